/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shadow rings: frame readers, and calls of recvmsg that sleep, peek, are
 * interrupted or take a message, all at once. Checked for every interleaving:
 * each message is taken once, and in order, whoever takes it; what was copied
 * from a frame is that message; and nobody sleeps with messages left.
 *
 *   N        frames
 *   M        messages
 *   READERS  that take messages from frames, and wait in poll() or recvmsg
 *   CALLERS  that take messages with recvmsg, as many as they get
 *   HUGE     the message that fits no frame, or none
 *   DUMP     the message that comes from within a call of the socket's own
 *
 * A step is one access to shared memory, or what the kernel does under the lock
 * of the receive queue, or the original recvmsg taking a message under that
 * lock. Functions of ring_shadow.c that a step stands for are named there, the
 * steps of the reader are those of netlink_mmap.h. Each FAULT_ that is put in
 * must be found: tests/model/run does that, too.
 */
#ifndef N
#define N	2
#endif
#ifndef M
#define M	4
#endif
#ifndef READERS
#define READERS	1
#endif
#ifndef CALLERS
#define CALLERS	1
#endif
#ifndef HUGE
#define HUGE	255
#endif
#ifndef DUMP
#define DUMP	255
#endif

/* the low bits of nm_status; word() is nl_shadow_word() */
#define UNUSED		0
#define RESERVED	1
#define VALID		2
#ifdef FAULT_POSITION
#define word(status, position)	(status)
#else
#define word(status, position)	((status) + 4 * (position))
#endif
#ifdef FAULT_FIRST
#define FIRST	0
#else
#define FIRST	N
#endif
#define frame(position)	((position) % N)

/* shared memory */
byte status[N] = 0;
byte content[N];		/* a message's number */
byte consumed = FIRST;

/* the receive queue: messages first to sent - 1 */
byte sent, first;

/*
 * struct nl_shadow, under the lock of the queue: @locked where readers may do
 * something in between
 */
bool locked;
byte next = FIRST, oldest = FIRST, inside;
bool dump, stuck;
#define frames		(next - oldest)
#define reserved	(inside + dump)

/* the proof's own: the message to be taken next, by anybody */
byte expected;

inline take(message)
{
	assert(message == expected);
	expected++
}

/* nl_shadow_drop() */
inline drop()
{
	do
	:: !reserved && frames && status[frame(oldest)] == word(UNUSED, oldest) ->
		oldest++;
		consumed = oldest;
		/* the skb was taken from its frame */
		assert(first < expected);
		first++
	:: else -> break
	od
}

/* nl_shadow_fill(), nl_shadow_put() */
inline fill()
{
	do
	:: first + frames < sent && !stuck &&
#ifndef FAULT_FILL_INSIDE
	   !reserved &&
#endif
	   frames < N ->
		if
		:: first + frames == HUGE -> stuck = true
		:: else ->
			content[frame(next)] = first + frames;
			status[frame(next)] = word(VALID, next);
			next++
		fi
	:: else -> break
	od
}

/* nl_shadow_reserve(): @again when a reader just took it */
inline reserve(again)
{
	again = false;
#ifndef FAULT_NO_RESERVE
#ifdef FAULT_RESERVE_FIRST
	if
	:: reserved < frames && !reserved ->
#else
	if
	:: reserved < frames ->
#endif
		if
		:: status[frame(oldest + reserved)] ==
		   word(VALID, oldest + reserved) ->
			status[frame(oldest + reserved)] =
				word(RESERVED, oldest + reserved)
#ifndef FAULT_TAKEN
		:: status[frame(oldest + reserved)] ==
		   word(UNUSED, oldest + reserved) ->
			again = !reserved
#endif
		:: else
		fi
	:: else
	fi
#endif
}

/* nl_shadow_put_back() */
inline put_back()
{
	if
	:: reserved < frames &&
	   status[frame(oldest + reserved)] == word(RESERVED, oldest + reserved) ->
		status[frame(oldest + reserved)] = word(VALID, oldest + reserved)
	:: else
	fi
}

/* nl_shadow_clean(), for poll() */
inline clean()
{
	d_step { !locked -> drop(); fill() }
}

/* nl_shadow_deliver(), after netlink queued the message */
proctype producer(byte count)
{
	bool again, answer;

	do
	:: count == 0 -> break
	:: else ->
		count--;
		d_step {
			!locked ->
			answer = (sent == DUMP);
			sent++
		}
		d_step {
			!locked ->
			/* nl_shadow_follow_dump() */
			if
			:: answer && !dump ->
#ifndef FAULT_HOLD
				do
				:: reserve(again);
				   if
				   :: again -> drop()
				   :: else -> break
				   fi
				od;
#endif
				dump = true
			:: else
			fi;
			drop();
			fill();
			answer = false;
			again = false
		}
	od
}

/*
 * nl_shadow_recvmsg(). @peek: MSG_PEEK; @sleep: waits for a message, but may be
 * interrupted; else MSG_DONTWAIT.
 */
inline recvmsg(peek, sleep)
{
	/* nl_shadow_enter() */
	do
	:: d_step { !locked -> locked = true; drop() }
	   d_step {
		reserve(again);
		if
		:: !again -> inside++
		:: else
		fi;
		locked = false
	   }
	   if
	   :: again
	   :: else -> break
	   fi
	od;
	/* the original recvmsg */
	took = false;
	if
	:: atomic {
		!locked && first < sent ->
		if
		:: !peek -> take(first); first++; took = true
		:: else
		fi
	   }
	:: !sleep && first == sent
	:: sleep && expected == M
	:: sleep		/* a signal */
	fi;
	/* nl_shadow_leave() */
	d_step {
		!locked ->
		inside--;
#ifdef FAULT_NOT_COUNTED
		took = false;
#endif
		if
		:: !took -> put_back()
		:: took && frames ->
#ifdef FAULT_PUT_BACK
			status[frame(oldest)] = word(VALID, oldest);
#else
			status[frame(oldest)] = word(UNUSED, oldest);
#endif
			oldest++;
			consumed = oldest
		:: took && !frames -> stuck = false
		fi;
		/* nl_shadow_follow_dump(), in the end: any time is good */
		if
		:: dump && !inside && first > DUMP -> dump = false; put_back()
		:: else
		fi;
		fill();
		took = false
	}
}

proctype caller()
{
	bool again, took, peek, sleep;

	do
	:: expected == M -> break
	:: expected < M ->
		if
		:: peek = true
		:: peek = false
		fi;
		if
		:: sleep = true
		:: sleep = false
		fi;
		recvmsg(peek, sleep)
	od
}

proctype reader()
{
	byte position, seen, copy;
	bool again, took;

	position = consumed;
	do
	:: expected == M -> break
	:: else ->
		seen = status[frame(position)];			/* 2 */
		if
		:: seen == word(VALID, position) ->
#ifndef FAULT_RELEASE_FIRST
			copy = content[frame(position)];	/* 3 */
#endif
			atomic {				/* 4 */
				if
#ifdef FAULT_NO_EXCHANGE
				:: true ->
#else
				:: status[frame(position)] == seen ->
#endif
					status[frame(position)] =
						word(UNUSED, position);
#ifdef FAULT_RELEASE_FIRST
					took = true
#else
					assert(!dump);
					take(copy);
					position++
#endif
				:: else
				fi;
				copy = 0; seen = 0
			};
#ifdef FAULT_RELEASE_FIRST
			if
			:: took ->
				copy = content[frame(position)];
				take(copy);
				position++;
				took = false
			:: else
			fi
#endif
		:: seen == word(UNUSED, position) ->		/* 5 */
			position++;
			seen = 0
		:: else ->					/* 6 */
			seen = consumed;
			if
			:: seen > position -> position = seen; seen = 0
			:: else ->
				seen = 0;
				if
				:: recvmsg(false, false)
				:: clean();
				   /* poll() sleeps while the queue is empty */
				   (first < sent || expected == M)
				fi
			fi
		fi
	od
}

init
{
	byte i;

	atomic {
		run producer(M - M / 2);
		run producer(M / 2);
		do
		:: i < READERS -> run reader(); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < CALLERS -> run caller(); i++
		:: else -> break
		od
	}
}
