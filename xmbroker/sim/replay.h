/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_REPLAY_H
#define XMBROKER_SIM_REPLAY_H

/* A recording made again: xmsim(8).  Only for a program of its own, which serves nobody. */

#include "libxm/system/system.h"

enum replay_result { REPLAY_SAME, REPLAY_DIFFERENT, REPLAY_WRONG };

/* Prints what it found. */
enum replay_result replay_file(const char *path, const struct system *sys);

#endif
