// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mark for profile-plugin.c.
 */
int main(void)
{
#ifdef __x86_64__
	__asm__ volatile("nopl 0x4d4e4c(%rax)");
#endif
	return 0;
}
