/* SPDX-License-Identifier: MIT */
/*
 * Connections and listening sockets that the program finds open when it begins: from a supervisor
 * (inetd, systemd's socket activation), or from the program that was here before exec.
 */
#pragma once

/* Called once, by the constructor, when everything else is set up. Makes the trace if there is such a
 * socket; else it costs a few calls of fstat(). */
void found_look(void);
