// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plugin for QEMU's TCG: counts the instructions that the kernel of the guest
 * executes between two marks, by address. A mark is an instruction that does
 * nothing and that nobody else uses, "nopl 0x4d4e4c(%rax)". At the end a line for
 * each block of code, to the file of the argument out=FILE: address and count.
 *
 * Debian has no header for plugins: these declarations are from QEMU's document
 * "QEMU TCG Plugins", version 1 of the interface.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t idx);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
					      int op, void *ptr, uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
	void (*cb)(unsigned int vcpu, void *data), int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, void *data), void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

#define INLINE_ADD	0
#define NO_REGISTERS	0
#define BUCKETS		(1U << 20)

static const uint8_t mark[] = { 0x0f, 0x1f, 0x80, 0x4c, 0x4e, 0x4d, 0x00 };

static struct block {
	uint64_t	address;
	uint64_t	count;
	uint64_t	before;		/* at the first mark */
	uint64_t	between;
} blocks[BUCKETS];
static char *out;

static struct block *find(uint64_t address)
{
	uint32_t i = (address * 0x9e3779b97f4a7c15) >> 44;

	while (blocks[i].address && blocks[i].address != address)
		i = (i + 1) % BUCKETS;
	blocks[i].address = address;
	return &blocks[i];
}

static void marked(unsigned int vcpu, void *data)
{
	struct block *b;

	(void)vcpu;
	(void)data;
	for (b = blocks; b < blocks + BUCKETS; b++) {
		b->between = b->count - b->before;
		b->before = b->count;
	}
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	size_t i, nr = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;

	(void)id;
	/* the kernel's half; of programs, one number for all */
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD,
		&find(address >> 63 ? address : 1)->count, nr);
	for (i = 0; i < nr; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (qemu_plugin_insn_size(insn) == sizeof(mark) &&
		    !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked,
							       NO_REGISTERS,
							       NULL);
	}
}

static void write_counts(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(out, "w");
	struct block *b;

	(void)id;
	(void)data;
	if (file == NULL) {
		perror(out);
		return;
	}
	for (b = blocks; b < blocks + BUCKETS; b++)
		if (b->between)
			fprintf(file, "%016" PRIx64 " %" PRIu64 "\n",
				b->address, b->between);
	fclose(file);
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("profile-plugin: needs out=FILE\n", stderr);
		return -1;
	}
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_counts, NULL);
	return out ? 0 : -1;
}
