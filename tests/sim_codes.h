/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_SIM_CODES_H
#define XM_TESTS_SIM_CODES_H

/* What operations may return, as the manuals say it. */

#include "libxm/system/load.h"
#include "xmbroker/sim/sim.h"

/* Letters of its own for the codes of an operation; NULL: the profile does not have it. */
const char *sim_codes(unsigned int op, enum xm_profile profile);
bool sim_may_return(unsigned int op, enum xm_profile profile, unsigned int code);

#endif
