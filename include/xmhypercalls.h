/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMHYPERCALLS_H
#define XMHYPERCALLS_H

/* For programs that include it by its old name: everything in it is in <xm.h>. */

#include <xm.h>

#endif
