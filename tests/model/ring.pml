/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The RX ring: two processors deliver, one reader takes, keeps and gives back
 * out of order, and sleeps; another process may poll the same socket. Checked for
 * every interleaving: each message is read once, in order, and nobody sleeps for
 * ever with messages waiting.
 *
 *   N     frames
 *   M     messages
 *   KEEP  frames that the reader may keep at once (SKIP)
 *   LONG  the message that needs two frames, or none: half of N, at the most
 *   HUGE  the message that no number of frames holds (COPY), or none
 *   WAKE  the highest threshold that the reader sets, 1: woken for each
 *   SENDERS  processors that deliver, 1 or 2
 *   MOVES messages that one delivery moves to frames: NL_RING_MOVES
 *   POLLS calls of poll() by another process, which reads nothing
 *   URGENT  the second sender preempts the first one, on its processor
 *
 * A step is one access to a word that both sides see, or what the kernel does
 * under the lock of the receive queue. Memory is sequentially consistent here;
 * FAULT_FENCE plays what a missing fence would do. Each step says which function
 * it stands for: of kernel/, or, for the reader, of a program that uses the ring.
 * Each FAULT_ that is put in must be found: tests/model/run does that, too.
 * tests/model/faults has the same faults as changes of the code.
 */
#ifndef N
#define N	3
#endif
#ifndef M
#define M	5
#endif
#ifndef KEEP
#define KEEP	1
#endif
#ifndef LONG
#define LONG	255
#endif
#ifndef HUGE
#define HUGE	255
#endif
#ifndef WAKE
#define WAKE	1
#endif
#ifndef SENDERS
#define SENDERS	2
#endif
#ifndef MOVES
#define MOVES	16
#endif
#ifndef POLLS
#define POLLS	0
#endif
#ifdef URGENT
#define IS_URGENT	1
#else
#define IS_URGENT	0
#endif
#define NEXT(i, n)	(((i) + (n)) % N)

mtype = { UNUSED, RESERVED, VALID, COPY, SKIP };

/* shared memory */
mtype status[N] = UNUSED;
byte content[N];		/* a message's number, FILLER: nothing */
byte length[N];			/* frames of the message, as nm_len tells */
byte threshold = 1;		/* a constant, unless WAKE is over 1 */
#define FILLER	254

/* the kernel's own, under the lock of the receive queue */
byte sent;			/* messages that came; sent - moved wait */
byte moved;			/* messages that left the queue */
byte head;
byte span[N] = 1;		/* frames of the message that begins there */
bool passed_over[N];		/* kept when the kernel was there last */
bool copy;			/* a COPY frame is out */
bool told;			/* a delivery woke for the queue, nobody looked */
bool others;			/* processes moved messages: rs->moved */

/* the kernel's own, atomic */
byte pending;			/* messages published since poll() looked */
bool waiting, woken;		/* the reader is on the wait queue */
bool was_blocked;		/* a look found the oldest frame RESERVED */

/* the processor that URGENT is about */
bool in_section;		/* the first sender is in preempt_disable() */
bool urgent_runs;		/* the second one runs */

/* nl_ring_has_sleeper(), then sk_data_ready() */
inline wake()
{
	d_step {
		if
		:: waiting -> woken = true
		:: else
		fi
	}
}

/*
 * nl_ring_look_behind(): a frame that was passed over is no older than those behind it: it is free
 * again when the next one that was used then is taken. Before that the reader
 * could not tell which of the two comes first.
 */
inline look_behind(frame)
{
	after = NEXT(frame, 1);
	do
	:: after != frame && passed_over[after] -> after = NEXT(after, 1)
	:: else -> break
	od;
#ifdef FAULT_PASSED_OVER
	taken = true;
#else
	taken = (!passed_over[frame] || after == frame ||
		 status[after] == UNUSED || status[after] == SKIP);
#endif
	after = 0
}

/*
 * nl_ring_look_behind(), span 2: a message of two frames, the second, before next, passed over as all behind
 * it up to head: the reader may be there, and would find the middle of a
 * message.
 */
#ifdef FAULT_MIDDLE
#define in_the_middle(next)	false
#else
#define in_the_middle(next)						\
	(need == 2 && passed_over[NEXT(next, N - 1)] &&			\
	 (next == head || (passed_over[next] &&				\
	  (NEXT(next, 1) == head || (passed_over[NEXT(next, 1)] &&	\
	   NEXT(next, 2) == head)))))
#endif

/* nl_ring_pass_over(): the kept frame at i, and those of its message */
inline pass_over(i)
{
	passed_over[i] = true;
	if
	:: span[i] == 2 -> passed_over[NEXT(i, 1)] = true
	:: else
	fi
}

/*
 * nl_ring_pass_kept(), then nl_ring_find(): looks for need free frames next to
 * each other, from head on. Kept ones at
 * head are passed over at once; others, and free ones in front, with the
 * message, all or nothing.
 */
inline find_frames()
{
	turn = 0;
	do
	:: turn < N && status[head] == SKIP ->
		pass_over(head);
		turn = turn + span[head];
		head = NEXT(head, span[head])
	:: else -> break
	od;
	found = false;
	at = head;
	turn = 0;
	row = 0;
	first = head;
	do
	:: turn >= N || found -> break
	:: else ->
		if
		:: status[at] == UNUSED ->
			look_behind(at);
			if
			:: !taken -> break
			:: else
			fi;
			if
			:: row == 0 -> first = at
			:: else
			fi;
			row++;
			turn++;
			at = NEXT(at, 1);
			if
			:: row == need && !in_the_middle(at) -> found = true
			:: row == need && in_the_middle(at) -> turn = N
			/* a run does not go over the end of the ring */
			:: row < need && at == 0 -> row = 0
			:: else
			fi
		:: status[at] == SKIP ->
			row = 0;
			turn = turn + span[at];
			at = NEXT(at, span[at])
		:: else -> break
		fi
	od
}

/*
 * nl_ring_put_filler(): from head to first, kept frames are passed over; of free ones the reader has
 * to know.
 */
inline put_filler()
{
	at = head;
	do
	:: at == first -> break
	:: else ->
		if
		:: status[at] == UNUSED ->
			passed_over[at] = false;
#ifdef FAULT_FILLER
			skip;
#else
			content[at] = FILLER;
			length[at] = 1;
			span[at] = 1;
			status[at] = VALID;
#endif
			at = NEXT(at, 1)
		:: else ->
			pass_over(at);
			at = NEXT(at, span[at])
		fi
	od;
	passed_over[first] = false;
	if
	:: need == 2 -> passed_over[NEXT(first, 1)] = false
	:: else
	fi
}

/* nl_ring_announce(): the message stays in the queue, a frame sends the reader there */
inline announce()
{
	need = 1;
	find_frames();
	if
	:: found ->
		put_filler();
		content[first] = moved;
		length[first] = 1;
		span[first] = 1;
		status[first] = COPY;
		head = NEXT(first, 1);
		copy = true
	:: else
	fi
}

/*
 * nl_ring_take(), under the lock: nl_ring_place() finds frames for the next message,
 * nl_ring_get_frames() claims them; 255: nothing claimed. A message that stays in
 * the queue wakes the reader, once until somebody looks there.
 */
inline claim(process, left)
{
	d_step {
#ifndef FAULT_TOLD_ONCE
		if
		:: process -> told = false
		:: else
		fi;
#endif
		message = 255;
		if
		:: moved == sent || copy || left == 0 -> skip
#ifdef FAULT_COPY_PASSED
		:: left > 0 && moved < sent && !copy && moved == HUGE -> moved++
#endif
		:: left > 0 && moved < sent && !copy && moved == HUGE -> announce()
		:: left > 0 && moved < sent && !copy && moved != HUGE ->
			need = (moved == LONG -> 2 : 1);
			find_frames();
			if
			:: found ->
				put_filler();
				message = moved;
				moved++;
				/* nobody looks before the frame is VALID */
				content[first] = message;
				length[first] = need;
				span[first] = need;
				if
				:: need == 2 ->
					/* overwritten by the message */
					status[NEXT(first, 1)] = RESERVED
				:: else
				fi;
#ifndef FAULT_RESERVED
				status[first] = RESERVED;
#endif
				head = NEXT(first, need);
				others = (others || process)
#ifndef FAULT_LONG_WAITS
			/* kept frames are in its way, and nothing else */
			:: !found && turn >= N && need == 2 -> announce()
#endif
			:: else
			fi
		fi;
		at = 0; turn = 0; row = 0; found = false; taken = false;
		tell = false;
		if
		:: message == 255 ->
			first = 0; need = 1;
			if
			:: !process && moved == sent ->
				/* somebody took it, who wakes nobody for it */
#ifndef FAULT_OTHERS
				tell = others;
#endif
				others = false
			:: !process && moved < sent && !told ->
				tell = true;
				told = true
			:: else
			fi
		:: else
		fi
	}
}

/* nl_ring_publish(), outside of the lock */
inline publish()
{
	d_step {
		status[first] = VALID;
		first = 0; need = 1; message = 255
	}
}

/*
 * Netlink queues a message; nlm_data_ready() calls nl_ring_deliver(), which moves a
 * few messages by nl_ring_move(), and asks nl_ring_enough() for each.
 */
proctype producer(byte messages; bool urgent)
{
	byte message, need = 1, at, turn, row, first, after, left, limit, sum;
	bool found, taken, tell, more, wakes;

	do
	:: messages == 0 -> break
	:: else ->
		/* skb_queue_tail(); urgent: by a task that preempts */
		atomic {
#ifndef FAULT_PREEMPTED
			(!urgent || !in_section);
#endif
			urgent_runs = (urgent_runs || urgent);
			messages--;
			left = MOVES;
			sent++
		};
next:
		/* nl_ring_move(): no preemption from here until the frame is VALID */
		atomic {
			(urgent || !urgent_runs);
			in_section = (in_section || (IS_URGENT && !urgent));
			claim(false, left);
			if
			:: message == 255 ->
#ifndef FAULT_SPILL_SILENT
				wakes = (wakes || tell);
#endif
				tell = false;
				in_section = (in_section && urgent);
				goto moved_all
			:: else -> more = (moved < sent)
			fi
		};
#ifdef FAULT_WAKE_FIRST
		wake();
		publish();
#else
		publish();
#endif
#if IS_URGENT
		d_step {
			/* no frame in front of it waits for a task that cannot run */
			assert(!urgent || !in_section);
			in_section = (in_section && urgent)
		};
#endif
#if WAKE > 1
		/* nl_ring_enough() */
		limit = threshold;
		if
		:: atomic { limit == 1 -> wakes = true }
		:: else ->
			d_step { pending++; sum = pending };
			if
			:: atomic { sum >= limit -> pending = 0; wakes = true }
			:: else
			fi
		fi;
#endif
		atomic {
			sum = 0;
			limit = 0;
#if WAKE == 1 && !defined(FAULT_WAKE_FIRST)
			wakes = true;
#endif
#if MOVES < 16
			left--;
#endif
			if
			:: more -> more = false; goto next
			:: else
			fi;
moved_all:
			if
			:: wakes -> wake(); wakes = false
			:: else
			fi;
			urgent_runs = (urgent_runs && !urgent)
		}
	od
}

/* the reader's own */
byte cursor;			/* the next frame to look at */
byte expected;			/* the next message */
byte kept;			/* frames that it keeps */
bool mine[N];			/* kept since a message was read there last */
byte held[N] = 1;		/* frames of the message kept there */

/* raw_set_unused() */
inline give_back(i)
{
	d_step {
		if
		:: length[i] == 2 && status[i] != COPY ->
			status[NEXT(i, 1)] = UNUSED
		:: else
		fi
	}
	status[i] = UNUSED
}

/* raw_give_back(): a kept frame, anyone, is given back */
inline give_back_kept()
{
	if
	:: status[0] == SKIP -> i = 0
	:: N > 1 && status[1 % N] == SKIP && mine[1 % N] -> i = 1 % N
	:: N > 2 && status[2 % N] == SKIP && mine[2 % N] -> i = 2 % N
	:: N > 3 && status[3 % N] == SKIP && mine[3 % N] -> i = 3 % N
	fi;
	d_step {
		if
		:: held[i] == 2 ->
#ifndef FAULT_KEPT_SPAN
			/* the kernel may have passed over this one, too */
			mine[NEXT(i, 1)] = true;
#endif
			status[NEXT(i, 1)] = UNUSED
		:: else
		fi;
		held[i] = 1;
		kept--
	}
	status[i] = UNUSED
}

/* raw_was_passed_over(): a frame that the reader kept */
inline try_to_pass()
{
	passed = false;
#ifdef FAULT_NO_LOOK
	passed = true;
#endif
	i = NEXT(cursor, held[cursor]);
	n = held[cursor];
	do
	:: n >= N -> break
	:: else ->
		seen = status[i];
		if
		:: mine[i] && seen == SKIP ->
			n = n + held[i];
			i = NEXT(i, held[i])
		:: seen == UNUSED ->
			n++;
			i = NEXT(i, 1)
		:: else ->
			passed = true;
			break
		fi
	od;
	skip;
#ifndef FAULT_SECOND_LOOK
	if
	:: passed ->
		seen = status[cursor];
		passed = (seen == UNUSED || seen == SKIP)
	:: else
	fi;
#endif
	skip;
	d_step {
		if
		:: passed ->
#ifdef FAULT_FORGOTTEN
			mine[cursor] = (status[cursor] == SKIP);
#endif
			cursor = NEXT(cursor, held[cursor])
		:: else
		fi;
		i = 0; n = 0
	}
}

/* raw_take(), raw_keep() */
inline take(frames)
{
	if
	:: true ->
		give_back(cursor);
		mine[cursor] = false
	:: kept < KEEP ->
		d_step {
			kept++;
			mine[cursor] = true;
			held[cursor] = frames
		}
		status[cursor] = SKIP
	fi;
	d_step { cursor = NEXT(cursor, frames) }
}

/*
 * nl_ring_fill(), by a process in poll() or recvmsg(): moves what waits to frames.
 * nl_ring_unblock() wakes who found the oldest message not yet published.
 */
inline fill()
{
	do
	:: claim(true, 255);
	   if
	   :: message == 255 -> break
	   :: else ->
		publish();
#if POLLS > 0 && !defined(FAULT_BLOCKED_BY_PROCESS)
		d_step {
			tell = was_blocked;
			was_blocked = false
		};
		if
		:: tell -> wake()
		:: else
		fi;
		tell = false
#endif
	   fi
	od
}

/*
 * nl_ring_look(), under the lock: what waits, published or not. What did not fit the
 * ring waits behind what did.
 */
inline look_at_frames(enough)
{
	d_step {
		n = 0; turn = 0; blocked = false; at = head; enough = false;
		do
		:: turn >= N -> break
		:: else ->
			if
			:: status[at] == VALID && content[at] != FILLER -> n++
			:: status[at] == COPY -> enough = true
			:: status[at] == RESERVED ->
				blocked = (blocked || n == 0);
				n++
			:: else
			fi;
			if
			:: status[at] == UNUSED -> turn++; at = NEXT(at, 1)
			:: else -> turn = turn + span[at]; at = NEXT(at, span[at])
			fi
		od;
#ifdef FAULT_BLOCKED
		n = (blocked -> 0 : n);
#endif
#ifndef FAULT_FULL
		enough = (enough || (n > 0 && moved < sent));
#endif
		enough = (enough || n >= threshold);
#ifndef FAULT_BLOCKED_REST
		n = (enough && blocked -> threshold : n);
#endif
		enough = (enough && !blocked);
		at = 0; turn = 0
	}
}

/*
 * nl_ring_is_blocked(): the oldest frame is not published yet. A delivery that does
 * it wakes for it; a process that does it only if this look says so, and then looks
 * once more.
 */
inline look_under_lock(enough)
{
	look_at_frames(enough);
#if POLLS > 0 && !defined(FAULT_BLOCKED_BY_PROCESS)
	if
	:: blocked -> was_blocked = true; look_at_frames(enough)
	:: else
	fi
#endif
}

/*
 * nl_ring_readable(): who finds enough leaves @pending alone. Else what waits counts
 * for the message that will wake the reader, and the sum is never less than what
 * waits. Who makes it reach the threshold acts: a delivery wakes; this one took a
 * count that others may sleep with, so it wakes, too, and looks again.
 */
inline readable(enough)
{
	look_under_lock(enough);
#if WAKE > 1
	do
	:: enough -> break
	:: else ->
		pending = 0;
		look_under_lock(enough);
#ifdef FAULT_NOT_COUNTED
		break;
#endif
		d_step {
			pending = pending + (n < threshold -> n : threshold - 1);
			sum = pending
		};
#ifdef FAULT_SUM
		break;
#endif
		if
		:: sum < threshold -> break
		:: else
		fi;
#ifndef FAULT_COUNT_TAKEN
		wake()
#endif
	od;
#endif
	atomic { n = 0; sum = 0; blocked = false }
}

/* raw_next(), and poll() */
proctype reader()
{
	byte i, n, frames, message, need = 1, at, turn, row, first, after, sum;
	bool passed, found, taken, tell, blocked, resting, promised;
	mtype seen;

look:
	resting = false;
	do
	:: expected == M -> break
	:: else ->
		if
		:: kept > 0 -> give_back_kept()
		:: true
		fi;
		seen = status[cursor];
		if
		:: seen == VALID ->
			frames = length[cursor];
			promised = false;
			if
			:: content[cursor] == FILLER ->
				d_step { mine[cursor] = false };
				status[cursor] = UNUSED;
				d_step { cursor = NEXT(cursor, 1) }
			:: else ->
				assert(content[cursor] == expected);
				d_step { expected++ };
				take(frames)
			fi
		:: seen == COPY ->
			/* nl_ring_recvmsg(): the message at the head of the queue */
			d_step {
				assert(content[cursor] == expected);
				assert(copy && moved == content[cursor]);
				moved++;
				copy = false;
				promised = false;
				expected++;
				mine[cursor] = false
			}
			status[cursor] = UNUSED;
			d_step { cursor = NEXT(cursor, 1) };
			goto refill
		:: (seen == UNUSED || seen == SKIP) && mine[cursor] ->
			try_to_pass();
			if
			:: passed -> skip
			:: else -> resting = true; goto rest
			fi
		:: else -> resting = true; goto rest
		fi
	od;
	goto done;

rest:
	/* poll() says readable only when there is something to read */
	assert(!promised);
#if WAKE > 1
	/* nmc_wakeup, SO_RCVLOWAT */
	if
	:: threshold = 1
	:: threshold = WAKE
	fi;
#endif
	skip;
#ifndef FAULT_FENCE
	/* poll(): on the wait queue first, then a look */
	d_step { woken = false; waiting = true };
#endif
refill:
	fill();
	if
	:: !resting -> goto look
	:: else
	fi;
	readable(promised);
	if
	:: promised -> waiting = false; goto look
	:: else
	fi;
#ifdef FAULT_FENCE
	d_step { woken = false; waiting = true };
#endif
	if
	:: woken
#if WAKE > 1
	/* with a threshold the reader sleeps for a time; nothing else can
	 * happen before that is over, less than the threshold waits, and all of
	 * it in frames */
	:: timeout -> assert(sent - expected < threshold && moved == sent)
#endif
	fi;
	waiting = false;
	goto look;

done:
	assert(moved == M && sent == M)
}

#if POLLS > 0
/* another process in poll(), which does not sleep, and reads nothing */
proctype poller()
{
	byte polls = POLLS, n, message, need = 1, at, turn, row, first, after, sum;
	bool found, taken, tell, blocked, enough;

	do
	:: polls == 0 -> break
	:: else ->
		polls--;
		fill();
		readable(enough);
		enough = false
	od
}
#endif

init
{
	atomic {
#if SENDERS > 1
		run producer(M / 2, IS_URGENT);
		run producer(M - M / 2, false);
#else
		run producer(M, false);
#endif
#if POLLS > 0
		run poller();
#endif
		run reader()
	}
}
