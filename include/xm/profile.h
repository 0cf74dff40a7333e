/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_PROFILE_H
#define XM_PROFILE_H

/*
 * Which hypervisor's interface a program is compiled for.  Return codes, hypercall numbers and
 * structures differ between the families, so every profile has its own symbols in the library and a
 * translation unit speaks exactly one.  <xm.h> means 3.x, <xm-linux.h> means 2.4, <prtos.h> means
 * PRTOS; to choose otherwise, compile with -DXM_PROFILE=XM_PROFILE_2_6 (or 26), the same for all
 * files of a program.
 *
 * XM_FAMILY is 2 for the 2.x profiles, 3 for 3.x and PRTOS.
 *
 * The profile is about the program.  The hypervisor below the broker may be another: the library
 * translates.
 */

#define XM_PROFILE_2_4 24
#define XM_PROFILE_2_6 26
#define XM_PROFILE_3_X 30
#define XM_PROFILE_PRTOS 40

#ifndef XM_PROFILE
#define XM_PROFILE XM_PROFILE_3_X
#define XM_PROFILE_BY_DEFAULT 1
#endif

#if XM_PROFILE == XM_PROFILE_2_4
#define XM_FAMILY 2
#define XM_SYMBOL_PREFIX "xm24_"
#elif XM_PROFILE == XM_PROFILE_2_6
#define XM_FAMILY 2
#define XM_SYMBOL_PREFIX "xm26_"
#elif XM_PROFILE == XM_PROFILE_3_X
#define XM_FAMILY 3
#define XM_SYMBOL_PREFIX "xm3x_"
#elif XM_PROFILE == XM_PROFILE_PRTOS
#define XM_FAMILY 3
#define XM_SYMBOL_PREFIX "xmpr_"
#else
#error "XM_PROFILE must be XM_PROFILE_2_4, XM_PROFILE_2_6, XM_PROFILE_3_X or XM_PROFILE_PRTOS"
#endif

/* Binds a prototype to the symbol of the profile: XM_get_time is xm24_XM_get_time or xm3x_... */
#define XM_BIND(name) __asm__(XM_SYMBOL_PREFIX #name) __attribute__((visibility("default")))

#ifdef __cplusplus
#define XM_BEGIN_DECLS extern "C" {
#define XM_END_DECLS }
#else
#define XM_BEGIN_DECLS
#define XM_END_DECLS
#endif

/*
 * Compile-time checks of structure layouts, where the hypervisors' manuals state them: ia32 (64-bit
 * integers aligned to 4 within structures) and 64-bit.
 */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define XM_ASSERT(condition, message) static_assert(condition, message)
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define XM_ASSERT(condition, message) _Static_assert(condition, message)
#else
#define XM_ASSERT(condition, message) extern int xm_assertion_[(condition) ? 1 : -1]
#endif

#if defined(__LP64__)
#define XM_BY_ABI(ia32, lp64) (lp64)
#define XM_LAYOUT_KNOWN 1
#elif defined(__i386__)
#define XM_BY_ABI(ia32, lp64) (ia32)
#define XM_LAYOUT_KNOWN 1
#else
#define XM_LAYOUT_KNOWN 0
#endif

#if XM_LAYOUT_KNOWN
#define XM_ASSERT_SIZE(type, ia32, lp64)                                                           \
	XM_ASSERT(sizeof(type) == XM_BY_ABI(ia32, lp64), "size of " #type)
#define XM_ASSERT_OFFSET(type, member, ia32, lp64)                                                 \
	XM_ASSERT(__builtin_offsetof(type, member) == XM_BY_ABI(ia32, lp64),                       \
		  "offset of " #type "." #member)
#else
#define XM_ASSERT_SIZE(type, ia32, lp64) XM_ASSERT(1, "")
#define XM_ASSERT_OFFSET(type, member, ia32, lp64) XM_ASSERT(1, "")
#endif

#endif
