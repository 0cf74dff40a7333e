/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_DUMP_H
#define XM_POLICY_DUMP_H

/*
 * What is in a compiled policy, as it is enforced: read from the image alone.
 */

#include <jansson.h>
#include <stdio.h>

#include "policy/image.h"

/* The image, which is verified, as one JSON object, as xmpolicy(1) says; the caller's. */
json_t *policy_dump(const struct policy_image *image);
/* That object for a person.  What is in it may come from strangers: nothing of it acts on a terminal. */
void policy_dump_print(FILE *out, const json_t *dump);

/* A constraint of the image as a policy would say it: "[1..3, self]". */
char *policy_dump_constraint(const struct policy_image *image, uint32_t constraint);

#endif
