/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CODES_H
#define XM_CODES_H

/*
 * Return codes of the profile; their numbers differ between 2.4, 2.6 and the rest.  Calls return
 * XM_OK (or a count or identifier >= 0), or one of the negative codes, and then errno says the same
 * in the words of POSIX:
 *
 *   XM_NO_ACTION          EALREADY     the request is satisfied already, or means nothing (3.x;
 *                                      in 2.6 what a device or a stream makes of such a request)
 *   XM_UNKNOWN_HYPERCALL  ENOSYS       no such hypercall
 *   XM_INVALID_PARAM      EINVAL       bad pointer, identifier, clock, command or range
 *   XM_PERM_ERROR         EPERM        the policy, or the hypervisor, does not permit it
 *   XM_INVALID_CONFIG     EDOM         contradicts the static configuration of the system
 *   XM_INVALID_MODE       ECONNRESET   the broker or the hypervisor went away in mid-call: whether
 *                                      the call took effect is unknown
 *   XM_INVALID_MODE       other        no session with the broker; errno says why, and the call
 *                                      certainly did not take effect
 *   XM_NOT_AVAILABLE      EAGAIN       queue full or empty (2.x)
 *   XM_OP_NOT_ALLOWED     EOPNOTSUPP   not in this state; queue full or empty (3.x)
 *   XM_MULTICALL_ERROR    EBADMSG      malformed batch
 *
 * errno is untouched by a call that succeeds.  "3.x" in these headers means PRTOS as well, unless
 * PRTOS is named beside it.
 */

#include <xm/profile.h>

#define XM_OK 0
#if XM_PROFILE == XM_PROFILE_2_4
#define XM_UNKNOWN_HYPERCALL (-1)
#define XM_INVALID_PARAM (-2)
#define XM_PERM_ERROR (-3)
#define XM_INVALID_CONFIG (-4)
#define XM_INVALID_MODE (-5)
#define XM_NOT_AVAILABLE (-6)
#define XM_OP_NOT_ALLOWED (-7)
#define XM_MULTICALL_ERROR (-8)
#elif XM_PROFILE == XM_PROFILE_2_6
#define XM_NO_ACTION (-1)
#define XM_UNKNOWN_HYPERCALL (-2)
#define XM_INVALID_PARAM (-3)
#define XM_PERM_ERROR (-4)
#define XM_INVALID_CONFIG (-5)
#define XM_INVALID_MODE (-6)
#define XM_NOT_AVAILABLE (-7)
#define XM_OP_NOT_ALLOWED (-8)
#define XM_MULTICALL_ERROR (-9)
#else
#define XM_NO_ACTION (-1)
#define XM_UNKNOWN_HYPERCALL (-2)
#define XM_INVALID_PARAM (-3)
#define XM_PERM_ERROR (-4)
#define XM_INVALID_CONFIG (-5)
#define XM_INVALID_MODE (-6)
#define XM_OP_NOT_ALLOWED (-7)
#define XM_MULTICALL_ERROR (-8)
#endif

#endif
