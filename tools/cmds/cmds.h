/* SPDX-License-Identifier: MIT */
/* The verbs. Each gets argv from its own name on and returns the exit status. */
#pragma once

#define EXIT_BAD_INPUT 2

int cmd_clean(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_top(int argc, char **argv);
