/* SPDX-License-Identifier: MIT */
/*
 * What the library leaves in the session directory of `closewait run`, which the option
 * session=DIR names: one line for each program image that it was loaded into, sockets or not. A
 * gate must know whether it was looked at all.
 */
#pragma once

/* Once, by the constructor. Without that option nothing is done. */
void session_announce(void);
