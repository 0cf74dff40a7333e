// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A system description as one JSON object.  Times are microseconds, sizes bytes, and what refers to a
 * partition, a port or a channel is its id.
 */

#include <inttypes.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/core/text.h"
#include "xmbroker/sim/list_internal.h"

static void put_string(const char *s, FILE *out)
{
	char buf[6 * SYSTEM_NAME + 3];
	struct text t = TEXT_INIT(buf);

	text_json(&t, s, strlen(s));
	fputs(buf, out);
}

static void put_name(const char *key, const char *name, FILE *out)
{
	fprintf(out, "\"%s\":", key);
	put_string(name, out);
	fputc(',', out);
}

static const char *comma(uint32_t i)
{
	return i ? "," : "";
}

static void put_flags(uint32_t flags, const char *(*word)(unsigned int i), FILE *out)
{
	fputs("\"flags\":[", out);
	for (unsigned int i = 0, n = 0; word(i); i++)
		if (flags & 1u << i && *word(i))
			fprintf(out, "%s\"%s\"", comma(n++), word(i));
	fputc(']', out);
}

static void put_lines(uint32_t lines, FILE *out)
{
	fputs(",\"interrupts\":[", out);
	for (unsigned int i = 0, n = 0; i < 32; i++)
		if (lines & 1u << i)
			fprintf(out, "%s%u", comma(n++), i);
	fputc(']', out);
}

static void put_areas(const struct system *sys, uint32_t partition, FILE *out)
{
	uint32_t n, found = 0;
	const struct system_area *area = system_areas(sys, &n);

	fputs(",\"areas\":[", out);
	for (uint32_t i = 0; i < n; i++, area++) {
		if (area->partition != partition)
			continue;
		fprintf(out, "%s{", comma(found++));
		put_name("name", area->name, out);
		fprintf(out, "\"start\":%" PRIu64 ",\"size\":%" PRIu64 ",\"mappedAt\":%" PRIu64 ",",
			area->start, area->size, area->mapped_at);
		put_flags(area->flags, list_area_flag, out);
		fputc('}', out);
	}
	fputc(']', out);
}

static void put_partitions(const struct system *sys, FILE *out)
{
	uint32_t n;
	const struct system_partition *p = system_partitions(sys, &n);

	fputs(",\"partitions\":[", out);
	for (uint32_t i = 0; i < n; i++, p++) {
		fprintf(out, "%s{\"id\":%u,", comma(i), p->id);
		put_name("name", p->name, out);
		put_flags(p->flags, list_partition_flag, out);
		fprintf(out, ",\"vcpus\":%u", p->n_vcpus);
		put_lines(p->hw_irqs, out);
		fprintf(out, ",\"traceRecords\":%u,\"traceBitmask\":%u", p->trace_capacity,
			p->trace_bitmask);
		put_areas(sys, i, out);
		fputc('}', out);
	}
	fputc(']', out);
}

static void put_ports(const struct system *sys, FILE *out)
{
	uint32_t n;
	const struct system_port *port = system_ports(sys, &n);

	fputs(",\"ports\":[", out);
	for (uint32_t i = 0; i < n; i++, port++) {
		fprintf(out, "%s{\"id\":%u,\"partition\":%u,", comma(i), i, port->partition);
		put_name("name", port->name, out);
		fprintf(out,
			"\"type\":\"%s\",\"direction\":\"%s\",\"channel\":", list_type(port->type),
			list_direction(port->direction));
		if (port->channel == SYSTEM_NO_CHANNEL)
			fputs("null}", out);
		else
			fprintf(out, "%u}", port->channel);
	}
	fputc(']', out);
}

static void put_destinations(const struct system *sys, uint32_t channel, FILE *out)
{
	uint32_t n, found = 0;
	const struct system_port *port = system_ports(sys, &n);

	fputs(",\"destinations\":[", out);
	for (uint32_t i = 0; i < n; i++)
		if (port[i].channel == channel && port[i].direction == SYSTEM_DESTINATION)
			fprintf(out, "%s%u", comma(found++), i);
	fputc(']', out);
}

static void put_channels(const struct system *sys, FILE *out)
{
	uint32_t n;
	const struct system_channel *c = system_channels(sys, &n);

	fputs(",\"channels\":[", out);
	for (uint32_t i = 0; i < n; i++, c++) {
		fprintf(out, "%s{\"id\":%u,\"type\":\"%s\",\"maxMessageLength\":%u", comma(i), i,
			list_type(c->type), c->max_message_length);
		if (c->type == SYSTEM_QUEUING)
			fprintf(out, ",\"maxNoMessages\":%u", c->max_no_messages);
		fprintf(out, ",\"validPeriod\":%" PRId64 ",\"source\":%u", c->valid_period,
			c->source);
		put_destinations(sys, i, out);
		fputc('}', out);
	}
	fputc(']', out);
}

static void put_interrupts(const struct system *sys, FILE *out)
{
	uint32_t n;
	const struct system_ipvi *ipvi = system_ipvis(sys, &n);

	fputs(",\"ipvis\":[", out);
	for (uint32_t i = 0; i < n; i++, ipvi++)
		fprintf(out, "%s{\"number\":%u,\"source\":%u,\"destination\":%u}", comma(i),
			ipvi->number, ipvi->source, ipvi->destination);
	fputc(']', out);
}

static void put_events(const struct system *sys, FILE *out)
{
	uint32_t n;
	const struct system_hm *hm = system_hm(sys, &n);

	fputs(",\"healthMonitor\":[", out);
	for (uint32_t i = 0; i < n; i++, hm++) {
		fprintf(out, "%s{\"partition\":", comma(i));
		if (hm->scope == XM_HYPERVISOR_ID)
			fputs("null", out);
		else
			fprintf(out, "%u", hm->scope);
		fprintf(out, ",\"event\":%u,\"action\":%u,\"log\":%s}", hm->event, hm->action,
			hm->log ? "true" : "false");
	}
	fputc(']', out);
}

static void put_slots(const struct system *sys, const struct system_plan *plan, FILE *out)
{
	uint32_t n;
	const struct system_slot *slot = system_slots(sys, &n) + plan->first_slot;

	fputs(",\"slots\":[", out);
	for (uint32_t i = 0; i < plan->n_slots; i++, slot++)
		fprintf(out,
			"%s{\"id\":%u,\"start\":%" PRId64 ",\"duration\":%" PRId64
			",\"partition\":%u,\"vcpu\":%u}",
			comma(i), slot->id, slot->start, slot->duration, slot->partition,
			slot->vcpu);
	fputc(']', out);
}

static void put_plans(const struct system *sys, FILE *out)
{
	uint32_t n;
	const struct system_plan *plan = system_plans(sys, &n);

	fputs(",\"plans\":[", out);
	for (uint32_t i = 0; i < n; i++, plan++) {
		fprintf(out, "%s{\"id\":%u,\"processor\":%u,", comma(i), plan->id, plan->processor);
		put_name("name", plan->name, out);
		fprintf(out, "\"majorFrame\":%" PRId64, plan->major_frame);
		put_slots(sys, plan, out);
		fputc('}', out);
	}
	fputc(']', out);
}

void list_json(const struct system *sys, FILE *out)
{
	fputc('{', out);
	put_name("name", sys->name, out);
	put_name("version", sys->version, out);
	fprintf(out, "\"profile\":\"%s\",\"cpuKhz\":%u,\"hmRecords\":%u,\"traceRecords\":%u",
		xm_profile_name(sys->profile), sys->cpu_khz, sys->hm_capacity, sys->trace_capacity);
	put_partitions(sys, out);
	put_ports(sys, out);
	put_channels(sys, out);
	put_interrupts(sys, out);
	put_events(sys, out);
	put_plans(sys, out);
	fputs("}\n", out);
}
