/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRTOS_PROFILE_H
#define PRTOS_PROFILE_H

/* A program that includes a PRTOS header is compiled for profile PRTOS, <xm.h> then is too. */

#ifdef XM_PROFILE_BY_DEFAULT
#error "<xm.h> has chosen profile 3.x: include <prtos.h> first, or compile with -DXM_PROFILE=40"
#endif
#ifndef XM_PROFILE
#define XM_PROFILE 40 /* XM_PROFILE_PRTOS, which xm/profile.h defines */
#endif

#include <xm/profile.h>

#if XM_PROFILE != XM_PROFILE_PRTOS
#error "the PRTOS names exist in profile PRTOS only: compile with -DXM_PROFILE=40"
#endif

#endif
