/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_VERSION_H
#define XM_VERSION_H

/* Version words, and those of the hypervisor that the profile describes. */

#include <xm/profile.h>

#define XM_SET_VERSION(version, subversion, revision)                                              \
	((((version)&0xffU) << 16) | (((subversion)&0xffU) << 8) | ((revision)&0xffU))
#define XM_GET_VERSION(word) (((word) >> 16) & 0xffU)
#define XM_GET_SUBVERSION(word) (((word) >> 8) & 0xffU)
#define XM_GET_REVISION(word) ((word)&0xffU)

#if XM_PROFILE == XM_PROFILE_2_4
#define XM_PROFILE_VERSION XM_SET_VERSION(2, 4, 0)
#elif XM_PROFILE == XM_PROFILE_2_6
#define XM_PROFILE_VERSION XM_SET_VERSION(2, 6, 0)
#elif XM_PROFILE == XM_PROFILE_3_X
#define XM_PROFILE_VERSION XM_SET_VERSION(3, 7, 3)
#else
#define XM_PROFILE_VERSION XM_SET_VERSION(1, 0, 0)
#endif

#if XM_FAMILY == 2
#define XM_ABI_VERSION XM_SET_VERSION(2, 0, 0)
#define XM_API_VERSION XM_SET_VERSION(2, 0, 0)
#elif XM_PROFILE == XM_PROFILE_3_X
#define XM_ABI_VERSION XM_SET_VERSION(3, 1, 0)
#define XM_API_VERSION XM_SET_VERSION(3, 1, 2)
#else
#define XM_ABI_VERSION XM_SET_VERSION(1, 0, 0)
#define XM_API_VERSION XM_SET_VERSION(1, 0, 0)
#endif

#endif
