// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the health monitor does on which event.
 */

#include "libxm/core/table.h"
#include "libxm/system/build.h"
#include "libxm/system/events.h"
#include "libxm/system/value.h"

/* A hypervisor of 2.x stops on each of the actions that would stop or restart a partition. */
static uint32_t as_done(const struct build *build, uint32_t scope, uint32_t action)
{
	if (build->dialect != SCHEMA_2_X || scope != XM_HYPERVISOR_ID)
		return action;
	switch (action) {
	case SYSTEM_ACTION_PARTITION_COLD_RESET:
	case SYSTEM_ACTION_PARTITION_WARM_RESET:
	case SYSTEM_ACTION_PARTITION_HALT:
		return SYSTEM_ACTION_HYPERVISOR_HALT;
	default:
		return action;
	}
}

static void check_action(const struct build *build, const struct xml_node *event, int number,
			 int action)
{
	uint32_t profile = schema_profile(build->dialect);

	if (action == SYSTEM_ACTION_MAINTENANCE && build->maintenance_plans < 2)
		build_error(build, event, "action", "plan 1 is the maintenance plan",
			    "switching to maintenance needs a second plan on each processor");
	if (action == SYSTEM_ACTION_PROPAGATE && build->dialect == SCHEMA_2_X && number >= 0 &&
	    (uint32_t)number < system_event_first_of_processor(profile))
		build_error(build, event, "action", "those are XM_HM_EV_IA32_...",
			    "only events of the processor can be propagated");
}

/* The entries of the scope are those from number `first` on. */
static void add_event(struct build *build, const struct xml_node *event, uint32_t scope,
		      uint32_t first)
{
	uint32_t profile = schema_profile(build->dialect);
	int number = system_event_number(profile, build_text(event, "name"));
	int action = system_action_number(profile, build_text(event, "action"));
	struct build_table *table = &build->table[SYSTEM_HM];
	bool log = false;
	struct system_hm *hm;

	check_action(build, event, number, action);
	if (number < 0 || action < 0)
		return;
	for (uint32_t i = first; i < table->n; i++) {
		hm = build_item(table, i);
		if (hm->event == (uint32_t)number) {
			build_error(build, event, "name", NULL,
				    "a second entry for the same event");
			return;
		}
	}
	value_boolean(build_text(event, "log"), &log);
	hm = build_add(build, table);
	if (hm)
		*hm = (struct system_hm){ scope, (uint32_t)number,
					  as_done(build, scope, (uint32_t)action), log };
}

void build_hm(struct build *build, const struct xml_node *node, uint32_t scope)
{
	enum schema_element element = build->dialect == SCHEMA_2_X ? SE_HM_2 : SE_HM;
	const struct xml_node *hm = schema_child(node, element, NULL), *event = NULL;
	uint32_t first = build->table[SYSTEM_HM].n;

	while (hm && (event = schema_child(hm, SE_EVENT, event))) {
		if (build->table[SYSTEM_HM].n == SYSTEM_MAX_HM)
			return;
		add_event(build, event, scope, first);
	}
}
