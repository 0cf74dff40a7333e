/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_PARAMS_H
#define LIBXM_PARAMS_H

/*
 * Which ports this process has opened.  The hypervisor marks news in a bitmap that it lays behind the
 * partition's tables; the library can only ask, port by port, and asks for those.
 */

#include <stdbool.h>
#include <stdint.h>

#define PARAMS_PORTS 1024 /* that an object descriptor can name */

enum params_class { PARAMS_SAMPLING, PARAMS_QUEUING, PARAMS_N_CLASSES };

/* Remembers a port; a number that is none is left out.  From any thread. */
void params_port_created(enum params_class class, uint32_t port);
bool params_port_is_created(enum params_class class, uint32_t port);

#endif
