// SPDX-License-Identifier: GPL-2.0-only
/* The simulated hypervisor's own idea of the profile. */
#define XM_PROFILE 26 /* XM_PROFILE_2_6 */
#include "libxm/raw_table.c"
