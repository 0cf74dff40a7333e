/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CONSOLE_H
#define XM_CONSOLE_H

/* The partition's console. */

#include <xm/codes.h>
#include <xm/types.h>

XM_BEGIN_DECLS

/*
 * Writes bytes to the console of the own partition.
 *
 * @buffer  in, not NULL; @length bytes, any value, no terminator needed
 * @length  bytes; a 3.x hypervisor takes at most 128 in one call
 *
 * Returns the number of bytes that the console took, which may be fewer; XM_INVALID_PARAM (EINVAL):
 * bad pointer or length; XM_PERM_ERROR (EPERM); XM_INVALID_MODE.
 * Blocks for one exchange with the broker.  Thread-safe; usable after fork().
 * Policy operation: XM_write_console.  Manual: Console.
 */
xm_s32_t XM_write_console(char *buffer, xm_s32_t length) XM_BIND(XM_write_console);

XM_END_DECLS

#endif
