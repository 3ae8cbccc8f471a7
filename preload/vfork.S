/* SPDX-License-Identifier: MIT */
/*
 * vfork() returns twice from one stack frame, so no C function can stand before it: this marks
 * the calling thread and jumps on, leaving the stack as it found it. The child, which shares the
 * thread's storage, is told from the parent by its process id while the mark is set.
 */
#if defined(__x86_64__)
	.text
	.globl	vfork
	.type	vfork, @function
vfork:
	.cfi_startproc
	endbr64
	movq	vfork_mark@gottpoff(%rip), %rax
	movl	$1, %fs:(%rax)
	movq	vfork_real@GOTPCREL(%rip), %rax
	movq	(%rax), %rax
	testq	%rax, %rax
	jz	1f
	jmp	*%rax
1:	/* Called before our constructor. */
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	vfork_resolve
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	jmp	*%rax
	.cfi_endproc
	.size	vfork, .-vfork
#elif defined(__aarch64__)
	.text
	.globl	vfork
	.type	vfork, %function
vfork:
	.cfi_startproc
	mrs	x1, tpidr_el0
	adrp	x0, :gottprel:vfork_mark
	ldr	x0, [x0, #:gottprel_lo12:vfork_mark]
	mov	w2, #1
	str	w2, [x1, x0]
	adrp	x0, vfork_real
	ldr	x16, [x0, #:lo12:vfork_real]
	cbz	x16, 1f
	br	x16
1:	stp	x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	bl	vfork_resolve
	mov	x16, x0
	ldp	x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	br	x16
	.cfi_endproc
	.size	vfork, .-vfork
#endif
	.section .note.GNU-stack,"",%progbits
