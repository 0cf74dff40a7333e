// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The numbers of the ports that this process has opened, in whatever profile.  Owns a bitmap of each
 * class, which only grows: ports stay open as long as the partition runs.
 */

#include <stdatomic.h>

#include "libxm/params.h"

static _Atomic uint32_t created[PARAMS_N_CLASSES][PARAMS_PORTS / 32];

void params_port_created(enum params_class class, uint32_t port)
{
	if (port < PARAMS_PORTS)
		atomic_fetch_or(&created[class][port / 32], UINT32_C(1) << port % 32);
}

bool params_port_is_created(enum params_class class, uint32_t port)
{
	return port < PARAMS_PORTS && (atomic_load(&created[class][port / 32]) >> port % 32 & 1);
}
