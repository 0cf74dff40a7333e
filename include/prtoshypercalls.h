/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRTOSHYPERCALLS_H
#define PRTOSHYPERCALLS_H

/* For programs that include it by its old name: everything in it is in <prtos.h>. */

#include <prtos.h>

#endif
