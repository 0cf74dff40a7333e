// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is accepted in a description and has no effect on what is made of it.  Owns only constants.
 */

#include "libxm/system/build.h"
#include "libxm/system/events.h"
#include "libxm/system/grammar.h"

#define RESIDENT "the software that loads the hypervisor is not simulated"
#define FEATURES "features of a processor are not simulated"
#define VIDEO "a screen is a name only"
#define HYPERVISOR_TRACE "the hypervisor's own trace has no events"
#define IMAGE "images are not loaded"
#define IO_PORTS "processes have no direct access to I/O ports"

static const struct unused {
	enum schema_element element;
	const char *attr; /* NULL: the element as a whole */
	const char *why;
} unused[] = {
	{ SE_PROCESSOR, "features", FEATURES },
	{ SE_PROCESSOR_2, "features", FEATURES },
	{ SE_FIXED, NULL, "priorities are not simulated: no slot begins or ends" },
	{ SE_UART, "baudRate", "a serial line is a name only" },
	{ SE_VGA, NULL, VIDEO },
	{ SE_PC_VGA, NULL, VIDEO },
	{ SE_HV_AREA, NULL, "the hypervisor takes no memory" },
	{ SE_HV_TRACE, "bitmask", HYPERVISOR_TRACE },
	{ SE_HYPERVISOR_2, "loadPhysAddr", IMAGE },
	{ SE_RESIDENT, NULL, RESIDENT },
	{ SE_PARTITION, "hw_virt", "every partition is a process" },
	{ SE_PARTITION, "loadPhysAddr", IMAGE },
	{ SE_PARTITION, "headerOffset", IMAGE },
	{ SE_PARTITION, "imageId", IMAGE },
	{ SE_TEMPORAL, NULL, "the slots of the plans decide when a partition runs" },
	{ SE_IO_RANGE, NULL, IO_PORTS },
	{ SE_IO_RESTRICTED, NULL, IO_PORTS },
};

#define N_UNUSED (sizeof(unused) / sizeof(unused[0]))

/* One note for each kind, at the first of them. */
struct found {
	const struct xml_node *first[N_UNUSED], *unnumbered;
	unsigned int n[N_UNUSED], n_unnumbered;
};

static void look_at(const struct build *build, const struct xml_node *node, struct found *found)
{
	for (size_t i = 0; i < N_UNUSED; i++) {
		if (node->mark != (unsigned int)unused[i].element + 1 ||
		    (unused[i].attr && !xml_attr(node, unused[i].attr)))
			continue;
		if (!found->n[i]++)
			found->first[i] = node;
	}
	if (node->mark == SE_EVENT + 1 &&
	    system_event_number(schema_profile(build->dialect), build_text(node, "name")) ==
		    SYSTEM_EVENT_UNNUMBERED &&
	    !found->n_unnumbered++)
		found->unnumbered = node;
}

/* Recursion is bounded by the parser. */
static void walk(const struct build *build, const struct xml_node *node, struct found *found)
{
	look_at(build, node, found);
	for (const struct xml_node *child = node->first; child; child = child->next)
		walk(build, child, found);
}

static void note(const struct build *build, const struct xml_node *node, const char *attr,
		 unsigned int n, const char *why)
{
	const struct xml_attr *place = attr ? xml_attr(node, attr) : NULL;
	char times[32] = "";

	if (n > 1)
		snprintf(times, sizeof(times), " (%u times)", n);
	xml_report(build->source, DIAG_NOTE, place ? place->at : node->at, NULL,
		   attr ? "<%s %s>%s is not used: %s" : "<%s%s>%s is not used: %s", node->name,
		   attr ? attr : "", times, why);
}

void build_notes(const struct build *build)
{
	struct found found = { .unnumbered = NULL };

	walk(build, build->root, &found);
	for (size_t i = 0; i < N_UNUSED; i++)
		if (found.n[i])
			note(build, found.first[i], unused[i].attr, found.n[i], unused[i].why);
	if (found.n_unnumbered)
		note(build, found.unnumbered, "name", found.n_unnumbered,
		     "the event has no published number");
}
