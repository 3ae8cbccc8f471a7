/* SPDX-License-Identifier: MIT */
/*
 * Sockets without a kernel: accept, recv, read, send, write, dup and close answer from memory for
 * the numbers that stub_begin() reserves; all others go on to libc.
 *
 * A read for one byte finds the peer's FIN, any other as many bytes as it has room for.
 *
 * The library is linked before libc (or preloaded after libclosewait.so), so that libclosewait's
 * hooks find it behind them. Numbers are of the thread that got them, and must be closed there.
 */
#pragma once

/* Each thread gets `each` numbers, from `first` on. Behind the first `backed` of them all there
 * is a real TCP connection, the same for all, for the library's own questions to the kernel;
 * those behind the others fail. Called once, before any thread. */
void stub_begin(int first, int each, int backed);
