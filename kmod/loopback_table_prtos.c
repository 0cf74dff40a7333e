// SPDX-License-Identifier: GPL-2.0-only
/* The simulated hypervisor's own idea of the profile. */
#define XM_PROFILE 40 /* XM_PROFILE_PRTOS */
#include "libxm/raw_table.c"
