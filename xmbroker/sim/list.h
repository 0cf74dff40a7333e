/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_LIST_H
#define XMBROKER_SIM_LIST_H

/*
 * A system description for people and for programs.
 */

#include <stdbool.h>
#include <stdio.h>

#include "libxm/system/system.h"

/*
 * Prints the partitions with their memory, the ports, channels and plans of a verified description,
 * as tables or as one JSON object with a final newline.  0, -ENOMEM, or -EIO.
 */
int list_print(const struct system *sys, bool json, FILE *out);

#endif
