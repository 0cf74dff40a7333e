/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_OPERATION_SAMPLES_H
#define XM_TESTS_OPERATION_SAMPLES_H

/* Requests of every operation, made from the table, to the system that goes with them. */

#include "libxm/core/request.h"

#define SAMPLE_WAYS 16

/* What they are good for, from partition 0. */
extern const char sample_system[];

/* A number in the domain of argument i; false: the domain is not known here. */
bool sample_number(unsigned int op, unsigned int i, uint64_t *nump);
/* A value of argument i, of whatever type; false: likewise. */
bool sample_value(unsigned int op, unsigned int i, struct xm_value *v);
/* How many numbers there are outside the domain that the sample request is in, and these. */
unsigned int sample_bad_numbers(unsigned int op, const struct xm_arg *arg, uint32_t profile,
				uint64_t bad[SAMPLE_WAYS]);

#endif
