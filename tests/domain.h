/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_DOMAIN_H
#define TESTS_DOMAIN_H

/*
 * What a 3.x hypervisor documents as the domain of each call, on the loopback system: written by hand
 * from the manual of the interface, for tests of the code that knows it from the table.
 */

#include "libxm/core/request.h"

bool domain_contains(const struct xm_request *req);

#endif
