/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_LIST_INTERNAL_H
#define XMBROKER_SIM_LIST_INTERNAL_H

/* What tables and JSON have in common: the words of a system description. */

#include <stdio.h>

#include "libxm/system/system.h"

/* A word for bit number i of a set of flags, or NULL: those after it have none. */
const char *list_partition_flag(unsigned int i);
const char *list_area_flag(unsigned int i); /* "" for a bit that is not said so */
const char *list_type(uint32_t type);
const char *list_direction(uint32_t direction);

void list_json(const struct system *sys, FILE *out);

#endif
