/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_EVENTS_H
#define XM_SYSTEM_EVENTS_H

/*
 * Health monitor events and actions of every profile.  Events are numbered as the hypervisor of the
 * profile numbers them; on the wire they have the numbers of 3.x, and those that only 2.x knows
 * SYSTEM_EVENT_2_X and their number there.  Actions have the numbers of 3.x everywhere.
 */

#include <stdint.h>

#define SYSTEM_EVENT_2_X 0x100
#define SYSTEM_EVENT_UNNUMBERED (-2) /* a name whose number is not published */

/* From a profile's own number to that of the wire, and back. */
uint32_t system_event_canonical(uint32_t profile, uint32_t event);
uint32_t system_event_native(uint32_t profile, uint32_t event);

enum system_action {
	SYSTEM_ACTION_IGNORE,
	SYSTEM_ACTION_SHUTDOWN,
	SYSTEM_ACTION_PARTITION_COLD_RESET,
	SYSTEM_ACTION_PARTITION_WARM_RESET,
	SYSTEM_ACTION_HYPERVISOR_COLD_RESET,
	SYSTEM_ACTION_HYPERVISOR_WARM_RESET,
	SYSTEM_ACTION_SUSPEND,
	SYSTEM_ACTION_PARTITION_HALT,
	SYSTEM_ACTION_HYPERVISOR_HALT,
	SYSTEM_ACTION_PROPAGATE,
	SYSTEM_ACTION_MAINTENANCE,
};

/* The profile's own number of an event (XM_HM_EV_..., PRTOS_HM_EV_...): -1 for none of its names,
 * SYSTEM_EVENT_UNNUMBERED for one without a number. */
int system_event_number(uint32_t profile, const char *name);
/* The action (XM_HM_AC_..., PRTOS_HM_AC_...), or -1. */
int system_action_number(uint32_t profile, const char *name);

/* The first event of the processor, after which a profile has no others. */
uint32_t system_event_first_of_processor(uint32_t profile);

/* What was probably meant, as "did you mean ...?" in buf; NULL: nothing is near. */
const char *system_event_hint(uint32_t profile, const char *name, char *buf, uint32_t size);
/* The same; or, if nothing is near, a list of all actions. */
const char *system_action_hint(uint32_t profile, const char *name, char *buf, uint32_t size);

#endif
