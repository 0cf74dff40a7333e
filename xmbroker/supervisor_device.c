// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the supervisor does with the device that it has open, apart from narrowing what it has handed out
 * (links.c).  Must never give the node itself to anybody.
 */

#include <string.h>

#include "xmbroker/device.h"
#include "xmbroker/log.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_internal.h"

int supervisor_derive(struct supervisor *s, const struct xm_mask *mask)
{
	int fd = device_derive(s->launch->device, mask);

	/* In the box nobody can open the node again: who starts us anew can. */
	if (fd < 0 && device_is_gone(fd)) {
		log_error("%s is gone (%s): ending, to be started again and wait for it",
			  s->opts->backend_path, strerror(-fd));
		supervisor_stop(s, SUPERVISOR_FAILED);
	}
	return fd;
}

void supervisor_tell_lacking(const struct supervisor *s)
{
	struct xm_mask mask;

	if (s->opts->backend != OPTIONS_DEVICE)
		return;
	links_mask_of(s->image, &mask);
	device_tell_lacking(s->launch->device, &mask);
}
