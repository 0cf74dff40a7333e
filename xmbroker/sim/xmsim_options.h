/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_XMSIM_OPTIONS_H
#define XMBROKER_SIM_XMSIM_OPTIONS_H

/* The command line of xmsim: xmsim(8). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libxm/core/table.h"

enum xmsim_mode { XMSIM_SERVE, XMSIM_LIST, XMSIM_REPLAY, XMSIM_CONTROL };

struct xmsim_options {
	enum xmsim_mode mode;
	const char *config, *dir, *console;
	const char *behaviour, *faults, *record; /* files; NULL: none */
	const char *replay;                      /* the recording of XMSIM_REPLAY */
	const char *control;                     /* the folder of XMSIM_CONTROL */
	char **words;                            /* the command of XMSIM_CONTROL, up to NULL */
	enum xm_profile profile;                 /* 0: that of the description */
	bool quirks, is_virtual, verbose, json;
	int attach_fd, ready_fd; /* -1: none */
	int root_fd;             /* of the empty folder to be the root; -1: none */
	int64_t partition;       /* -1: not given */
	uid_t uid;
	gid_t gid;
};

/* 0; 1 when all that was asked for has been printed; -EINVAL when it was said what is wrong. */
int xmsim_options_parse(struct xmsim_options *options, int argc, char **argv);

#endif
