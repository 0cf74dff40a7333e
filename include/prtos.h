/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRTOS_H
#define PRTOS_H

/*
 * The user interface of PRTOS, for programs of a Linux partition: the names of PRTOS for profile
 * PRTOS of <xm.h>, whose own names can be used beside them.  Link with -lxm.  See libxm(3).
 *
 * Constants are macros of the same value, functions are prototypes of their own that are bound to
 * the same symbols, and structures have PRTOS's member names at the same places.
 */

#include <prtos/constants.h>
#include <prtos/functions.h>
#include <prtos/profile.h>
#include <prtos/types.h>

#endif
