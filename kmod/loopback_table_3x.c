// SPDX-License-Identifier: GPL-2.0-only
/* The simulated hypervisor's own idea of the profile. */
#define XM_PROFILE 30 /* XM_PROFILE_3_X */
#include "libxm/raw_table.c"
