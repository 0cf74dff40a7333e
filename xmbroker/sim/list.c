// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A system description as tables for a person.
 */

#include "xmbroker/sim/list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/table.h"
#include "xmbroker/sim/list_internal.h"

#define MAX_COLUMNS 8
#define GAP "  "

/* ---- words ----------------------------------------------------------------------------------------- */

const char *list_partition_flag(unsigned int i)
{
	static const char *const words[] = {
		"system", "boot", "fp", "console", "spguest", "sphost"
	};

	return i < sizeof(words) / sizeof(words[0]) ? words[i] : NULL;
}

const char *list_area_flag(unsigned int i)
{
	static const char *const words[] = {
		"shared", "unmapped", "read-only", "uncacheable",       "rom",  "flag0",
		"flag1",  "flag2",    "flag3",     "" /* has a name */, "iommu"
	};

	return i < sizeof(words) / sizeof(words[0]) ? words[i] : NULL;
}

const char *list_type(uint32_t type)
{
	return type == SYSTEM_QUEUING ? "queuing" : "sampling";
}

const char *list_direction(uint32_t direction)
{
	return direction == SYSTEM_SOURCE ? "source" : "destination";
}

/* ---- tables ---------------------------------------------------------------------------------------- */

struct grid {
	FILE *out;
	const char *title;
	const char *heads[MAX_COLUMNS]; /* one that begins with ">" is of numbers */
	unsigned int n_columns;
	char **cells;
	size_t n, cap;
	bool failed;
};

static void take_cell(struct grid *g, char *text)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 64;
		char **cells = realloc(g->cells, cap * sizeof(*cells));

		if (!cells) {
			g->failed = true;
			free(text);
			return;
		}
		g->cells = cells;
		g->cap = cap;
	}
	g->failed |= !text;
	g->cells[g->n++] = text;
}

__attribute__((format(printf, 2, 3))) static void cell(struct grid *g, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	take_cell(g, text);
}

/* A cell that is written piece by piece: its stream goes to close_cell(). */
static FILE *open_cell(struct grid *g, char **textp, size_t *lenp)
{
	FILE *stream = open_memstream(textp, lenp);

	g->failed |= !stream;
	return stream;
}

static void close_cell(struct grid *g, FILE *stream, char **textp)
{
	fclose(stream);
	if (*textp && !**textp) {
		free(*textp);
		cell(g, "-");
		return;
	}
	take_cell(g, *textp);
}

static void put_cell(const struct grid *g, const char *text, unsigned int column, size_t width)
{
	bool last = column + 1 == g->n_columns;
	bool number = g->heads[column][0] == '>';

	fputs(GAP, g->out);
	if (number)
		fprintf(g->out, "%*s", (int)width, text);
	else
		fprintf(g->out, "%-*s", last ? 0 : (int)width, text);
	if (last)
		fputc('\n', g->out);
}

static const char *head_of(const struct grid *g, unsigned int column)
{
	return g->heads[column] + (g->heads[column][0] == '>');
}

static size_t width_of(const struct grid *g, unsigned int column)
{
	size_t width = strlen(head_of(g, column));

	for (size_t i = column; i < g->n; i += g->n_columns)
		if (strlen(g->cells[i]) > width)
			width = strlen(g->cells[i]);
	return width;
}

/* Prints the table, if it has rows, and frees it. */
static bool finish(struct grid *g)
{
	size_t width[MAX_COLUMNS];

	for (unsigned int c = 0; !g->failed && c < g->n_columns; c++)
		width[c] = width_of(g, c);
	if (!g->failed && g->n) {
		fprintf(g->out, "\n%s\n", g->title);
		for (unsigned int c = 0; c < g->n_columns; c++)
			put_cell(g, head_of(g, c), c, width[c]);
		for (size_t i = 0; i < g->n; i++)
			put_cell(g, g->cells[i], (unsigned int)(i % g->n_columns),
				 width[i % g->n_columns]);
	}
	for (size_t i = 0; i < g->n; i++)
		free(g->cells[i]);
	free(g->cells);
	return !g->failed;
}

/* ---- values ---------------------------------------------------------------------------------------- */

static void time_cell(struct grid *g, int64_t us)
{
	if (us == SYSTEM_INFINITE)
		cell(g, "-");
	else if (us % 1000000 == 0)
		cell(g, "%" PRId64 " s", us / 1000000);
	else if (us % 1000 == 0)
		cell(g, "%" PRId64 " ms", us / 1000);
	else
		cell(g, "%" PRId64 " us", us);
}

static void size_cell(struct grid *g, uint64_t bytes)
{
	if (bytes && bytes % (1 << 20) == 0)
		cell(g, "%" PRIu64 " MB", bytes >> 20);
	else if (bytes && bytes % 1024 == 0)
		cell(g, "%" PRIu64 " KB", bytes >> 10);
	else
		cell(g, "%" PRIu64 " B", bytes);
}

static void flags_cell(struct grid *g, uint32_t flags, const char *(*word)(unsigned int i))
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_cell(g, &text, &len);

	if (!stream)
		return;
	for (unsigned int i = 0, n = 0; word(i); i++)
		if (flags & 1u << i && *word(i))
			fprintf(stream, "%s%s", n++ ? " " : "", word(i));
	close_cell(g, stream, &text);
}

static void lines_cell(struct grid *g, uint32_t lines)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_cell(g, &text, &len);

	if (!stream)
		return;
	for (unsigned int i = 0, n = 0; i < 32; i++)
		if (lines & 1u << i)
			fprintf(stream, "%s%u", n++ ? " " : "", i);
	close_cell(g, stream, &text);
}

static void name_cell(struct grid *g, const char *name)
{
	cell(g, "%s", *name ? name : "-");
}

static void put_partition(const struct system *sys, uint32_t id, FILE *stream)
{
	const char *name = system_partition(sys, id)->name;

	if (*name)
		fputs(name, stream);
	else
		fprintf(stream, "%u", id);
}

static void partition_cell(struct grid *g, const struct system *sys, uint32_t id)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_cell(g, &text, &len);

	if (!stream)
		return;
	put_partition(sys, id, stream);
	close_cell(g, stream, &text);
}

/* The ports of a channel with this direction. */
static void ports_cell(struct grid *g, const struct system *sys, uint32_t channel,
		       uint32_t direction)
{
	uint32_t n, found = 0;
	const struct system_port *port = system_ports(sys, &n);
	char *text = NULL;
	size_t len;
	FILE *stream = open_cell(g, &text, &len);

	if (!stream)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (port[i].channel != channel || port[i].direction != direction)
			continue;
		fputs(found++ ? " " : "", stream);
		put_partition(sys, port[i].partition, stream);
		fprintf(stream, ":%s", port[i].name);
	}
	close_cell(g, stream, &text);
}

/* ---- parts of the description ---------------------------------------------------------------------- */

static bool list_partitions(const struct system *sys, FILE *out)
{
	struct grid g = { .out = out,
			  .title = "partitions",
			  .heads = { ">id", "name", "flags", ">vcpus", ">ports", "interrupts",
				     ">trace" },
			  .n_columns = 7 };
	uint32_t n;
	const struct system_partition *p = system_partitions(sys, &n);

	for (uint32_t i = 0; i < n; i++, p++) {
		cell(&g, "%u", p->id);
		name_cell(&g, p->name);
		flags_cell(&g, p->flags, list_partition_flag);
		cell(&g, "%u", p->n_vcpus);
		cell(&g, "%u", p->n_ports);
		lines_cell(&g, p->hw_irqs);
		cell(&g, "%u", p->trace_capacity);
	}
	return finish(&g);
}

static bool list_areas(const struct system *sys, FILE *out)
{
	struct grid g = { .out = out,
			  .title = "memory areas",
			  .heads = { "partition", "name", ">start", ">size", ">mapped at",
				     "flags" },
			  .n_columns = 6 };
	uint32_t n;
	const struct system_area *area = system_areas(sys, &n);

	for (uint32_t i = 0; i < n; i++, area++) {
		partition_cell(&g, sys, area->partition);
		name_cell(&g, area->name);
		cell(&g, "0x%" PRIx64, area->start);
		size_cell(&g, area->size);
		cell(&g, "0x%" PRIx64, area->mapped_at);
		flags_cell(&g, area->flags, list_area_flag);
	}
	return finish(&g);
}

static bool list_ports(const struct system *sys, FILE *out)
{
	struct grid g = { .out = out,
			  .title = "ports",
			  .heads = { ">id", "partition", "name", "type", "direction", ">channel" },
			  .n_columns = 6 };
	uint32_t n;
	const struct system_port *port = system_ports(sys, &n);

	for (uint32_t i = 0; i < n; i++, port++) {
		cell(&g, "%u", i);
		partition_cell(&g, sys, port->partition);
		name_cell(&g, port->name);
		cell(&g, "%s", list_type(port->type));
		cell(&g, "%s", list_direction(port->direction));
		if (port->channel == SYSTEM_NO_CHANNEL)
			cell(&g, "-");
		else
			cell(&g, "%u", port->channel);
	}
	return finish(&g);
}

static bool without_limit(const struct system *sys, const struct system_channel *channel)
{
	return channel->valid_period == 0 &&
	       (channel->type == SYSTEM_QUEUING || XM_IN(sys->profile) & XM_IN_2);
}

static bool list_channels(const struct system *sys, FILE *out)
{
	struct grid g = { .out = out,
			  .title = "channels",
			  .heads = { ">id", "type", ">message", ">queue", ">valid", "source",
				     "destinations" },
			  .n_columns = 7 };
	uint32_t n;
	const struct system_channel *channel = system_channels(sys, &n);

	for (uint32_t i = 0; i < n; i++, channel++) {
		bool queuing = channel->type == SYSTEM_QUEUING;

		cell(&g, "%u", i);
		cell(&g, "%s", list_type(channel->type));
		size_cell(&g, channel->max_message_length);
		if (queuing)
			cell(&g, "%u", channel->max_no_messages);
		else
			cell(&g, "-");
		time_cell(&g,
			  without_limit(sys, channel) ? SYSTEM_INFINITE : channel->valid_period);
		ports_cell(&g, sys, i, SYSTEM_SOURCE);
		ports_cell(&g, sys, i, SYSTEM_DESTINATION);
	}
	return finish(&g);
}

static bool list_interrupts(const struct system *sys, FILE *out)
{
	struct grid g = { .out = out,
			  .title = "interrupts between partitions",
			  .heads = { ">number", "source", "destination" },
			  .n_columns = 3 };
	uint32_t n;
	const struct system_ipvi *ipvi = system_ipvis(sys, &n);

	for (uint32_t i = 0; i < n; i++, ipvi++) {
		cell(&g, "%u", ipvi->number);
		partition_cell(&g, sys, ipvi->source);
		partition_cell(&g, sys, ipvi->destination);
	}
	return finish(&g);
}

static bool list_plan(const struct system *sys, const struct system_plan *plan, FILE *out)
{
	char title[160];
	struct grid g = { .out = out,
			  .title = title,
			  .heads = { ">slot", ">start", ">duration", "partition", ">vcpu" },
			  .n_columns = 5 };
	uint32_t n;
	const struct system_slot *slot = system_slots(sys, &n) + plan->first_slot;

	snprintf(title, sizeof(title), "plan %u%s%s of processor %u, major frame %" PRId64 " us",
		 plan->id, *plan->name ? " " : "", plan->name, plan->processor, plan->major_frame);
	if (!plan->n_slots)
		fprintf(out, "\n%s\n" GAP "no slots\n", title);
	for (uint32_t i = 0; i < plan->n_slots; i++, slot++) {
		cell(&g, "%u", slot->id);
		time_cell(&g, slot->start);
		time_cell(&g, slot->duration);
		partition_cell(&g, sys, slot->partition);
		cell(&g, "%u", slot->vcpu);
	}
	return finish(&g);
}

static bool list_tables(const struct system *sys, FILE *out)
{
	uint32_t n;
	const struct system_plan *plan = system_plans(sys, &n);
	bool good;

	fprintf(out, "system %s, version %s, profile %s\n", sys->name, sys->version,
		xm_profile_name(sys->profile));
	fprintf(out, "health monitor log: %u records; hypervisor's trace: %u records\n",
		sys->hm_capacity, sys->trace_capacity);
	good = list_partitions(sys, out) && list_areas(sys, out) && list_ports(sys, out) &&
	       list_channels(sys, out) && list_interrupts(sys, out);
	for (uint32_t i = 0; good && i < n; i++)
		good = list_plan(sys, &plan[i], out);
	return good;
}

int list_print(const struct system *sys, bool json, FILE *out)
{
	if (json)
		list_json(sys, out);
	else if (!list_tables(sys, out))
		return -ENOMEM;
	return fflush(out) || ferror(out) ? -EIO : 0;
}
