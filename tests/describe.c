// SPDX-License-Identifier: LGPL-2.1-or-later
/* Descriptions of systems, written from a few numbers. */

#include "tests/describe.h"

#define AREA 0x10000UL
#define FIRST_AREA 0x4000000UL
#define SLOT_MS 1

struct writer {
	FILE *out;
	const struct describe *what;
	uint64_t state;
};

static uint64_t next(struct writer *w)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return w->state;
}

static unsigned int below(struct writer *w, unsigned int n)
{
	return n ? (unsigned int)(next(w) >> 16) % n : 0;
}

static const char *prefix(const struct writer *w)
{
	return w->what->dialect == DESCRIBE_PRTOS ? "PRTOS" : "XM";
}

/* What a channel is follows from its number, so that both ends know. */
static unsigned int source_of(const struct writer *w, unsigned int channel)
{
	return channel % w->what->partitions;
}

static unsigned int destination_of(const struct writer *w, unsigned int channel)
{
	return (channel + 1 + channel / w->what->partitions) % w->what->partitions;
}

static const char *kind_of(unsigned int channel)
{
	return channel % 3 ? "sampling" : "queuing";
}

static void plan(struct writer *w, unsigned int id)
{
	unsigned int n = w->what->partitions;

	if (w->what->dialect == DESCRIBE_2_X)
		fprintf(w->out, "<Plan id=\"%u\" majorFrame=\"%ums\">\n", id, (n + id) * SLOT_MS);
	else
		fprintf(w->out, "<Plan id=\"%u\" name=\"plan%u\" majorFrame=\"%ums\">\n", id, id,
			(n + id) * SLOT_MS);
	for (unsigned int i = 0; i < n; i++)
		fprintf(w->out,
			"<Slot id=\"%u\" start=\"%ums\" duration=\"%ums\" partitionId=\"%u\"/>\n",
			i, i * SLOT_MS, SLOT_MS, (i + id) % n);
	fputs("</Plan>\n", w->out);
}

static void plans(struct writer *w)
{
	fputs("<CyclicPlanTable>\n", w->out);
	for (unsigned int id = 0; id < 3; id++)
		plan(w, id);
	fputs("</CyclicPlanTable>\n", w->out);
}

static void blocks(struct writer *w, const char *element)
{
	for (unsigned int i = 0; i <= w->what->partitions; i++)
		fprintf(w->out, "<%s name=\"log%u\" start=\"0x%lx\" size=\"%uB\"/>\n", element, i,
			0x1000000UL + i * AREA, 512 + 64 * below(w, 8));
}

/* ---- partitions ----------------------------------------------------------------------------------- */

static void ports(struct writer *w, unsigned int partition)
{
	fputs("<PortTable>\n", w->out);
	for (unsigned int i = 0; i < w->what->channels; i++) {
		if (source_of(w, i) == partition)
			fprintf(w->out, "<Port name=\"out%u\" type=\"%s\" direction=\"source\"/>\n",
				i, kind_of(i));
		if (destination_of(w, i) == partition)
			fprintf(w->out,
				"<Port name=\"in%u\" type=\"%s\" direction=\"destination\"/>\n", i,
				kind_of(i));
	}
	fputs("<Port name=\"loose\" type=\"sampling\" direction=\"source\"/>\n</PortTable>\n",
	      w->out);
}

static void health_monitor(struct writer *w)
{
	static const char *const actions[] = { "IGNORE",     "SHUTDOWN",   "SUSPEND",
					       "COLD_RESET", "WARM_RESET", "HALT" };
	const char *element =
		w->what->dialect == DESCRIBE_2_X ? "HealthMonitoring" : "HealthMonitor";
	unsigned int action = below(w, 6);

	fprintf(w->out,
		"<%s><Event name=\"%s_HM_EV_PARTITION_ERROR\" action=\"%s_HM_AC_%s%s\" "
		"log=\"%s\"/></%s>\n",
		element, prefix(w), prefix(w),
		w->what->dialect != DESCRIBE_2_X && action > 2 ? "PARTITION_" : "", actions[action],
		below(w, 4) ? "yes" : "no", element);
}

static void partition(struct writer *w, unsigned int id)
{
	unsigned long start = FIRST_AREA + id * 4 * AREA;

	fprintf(w->out, "<Partition id=\"%u\" name=\"partition%u\" console=\"Uart\"", id, id);
	if (w->what->dialect == DESCRIBE_2_X)
		fprintf(w->out,
			" processor=\"0\" loadPhysAddr=\"0x%lx\" headerOffset=\"0x0\" "
			"imageId=\"0x%x\" flags=\"%s%s\"",
			start, id, id == 0 || below(w, 8) ? "boot " : "", id ? "" : "sv sphost");
	else
		fprintf(w->out, "%s%s", id ? "" : " flags=\"system\"",
			below(w, 4) ? "" : " noVCpus=\"2\"");
	fprintf(w->out,
		">\n<PhysicalMemoryAreas><Area start=\"0x%lx\" size=\"64KB\"%s/>"
		"<Area start=\"0x%lx\" size=\"64KB\"%s/></PhysicalMemoryAreas>\n",
		start, w->what->dialect == DESCRIBE_2_X ? " flags=\"mapped write\"" : "",
		start + 2 * AREA,
		w->what->dialect == DESCRIBE_2_X ? " flags=\"mapped\"" : " flags=\"read-only\"");
	if (below(w, 2))
		health_monitor(w);
	ports(w, id);
	fprintf(w->out, "<Trace device=\"log%u\" bitmask=\"0x%x\"/>\n</Partition>\n", id + 1,
		below(w, 256));
}

static void channel(struct writer *w, unsigned int i)
{
	unsigned int size = 1 + below(w, 64);

	if (i % 3)
		fprintf(w->out, "<SamplingChannel maxMessageLength=\"%uB\"", size);
	else
		fprintf(w->out, "<QueuingChannel maxMessageLength=\"%uB\" maxNoMessages=\"%u\"",
			size, 1 + below(w, 8));
	if (i % 3 == 1)
		fprintf(w->out, " validPeriod=\"%ums\"", 1 + below(w, 100));
	fprintf(w->out,
		"><Source partitionId=\"%u\" portName=\"out%u\"/>"
		"<Destination partitionId=\"%u\" portName=\"in%u\"/></%sChannel>\n",
		source_of(w, i), i, destination_of(w, i), i, i % 3 ? "Sampling" : "Queuing");
}

static void body(struct writer *w)
{
	fputs("<PartitionTable>\n", w->out);
	for (unsigned int i = 0; i < w->what->partitions; i++)
		partition(w, i);
	fputs("</PartitionTable>\n<Channels>\n", w->out);
	if (w->what->dialect != DESCRIBE_2_X && w->what->partitions > 1)
		fputs("<Ipvi id=\"1\" sourceId=\"0\" destinationId=\"1\"/>\n", w->out);
	for (unsigned int i = 0; i < w->what->channels; i++)
		channel(w, i);
	fputs("</Channels>\n", w->out);
}

static void describe_2(struct writer *w)
{
	fputs("<SystemDescription xmlns=\"http://www.xtratum.org/xm-2.3\" version=\"1.0.0\" "
	      "name=\"made\">\n<XMHypervisor console=\"Uart\" healthMonitoringDevice=\"log0\" "
	      "loadPhysAddr=\"0x100000\">\n<PhysicalMemoryAreas><Area start=\"0x100000\" "
	      "size=\"3MB\"/></PhysicalMemoryAreas>\n<HwDescription><Processor id=\"0\"><Sched>\n",
	      w->out);
	plans(w);
	fputs("</Sched></Processor><MemoryLayout><Region type=\"ram\" start=\"0x0\" "
	      "size=\"512MB\"/></MemoryLayout></HwDescription></XMHypervisor>\n",
	      w->out);
	body(w);
	fputs("<Devices><PcUart name=\"Uart\"/><MemoryBlockTable>\n", w->out);
	blocks(w, "Block");
	fputs("</MemoryBlockTable></Devices>\n</SystemDescription>\n", w->out);
}

static void describe_3(struct writer *w)
{
	fprintf(w->out,
		"<SystemDescription xmlns=\"%s\" version=\"1.0.0\" name=\"made\">\n"
		"<HwDescription><MemoryLayout><Region type=\"ram\" start=\"0x0\" size=\"512MB\"/>"
		"</MemoryLayout>\n<ProcessorTable><Processor id=\"0\">\n",
		w->what->dialect == DESCRIBE_PRTOS ? "http://www.prtos.org/prtos-1.x"
						   : "http://www.xtratum.org/xm-3.x");
	plans(w);
	fputs("</Processor></ProcessorTable>\n<Devices><Uart name=\"Uart\" id=\"0\" "
	      "baudRate=\"115200\"/>\n",
	      w->out);
	blocks(w, "MemoryBlock");
	fprintf(w->out,
		"</Devices></HwDescription>\n<%sHypervisor console=\"Uart\" "
		"healthMonitorDevice=\"log0\"><PhysicalMemoryArea size=\"4MB\"/></%sHypervisor>\n",
		prefix(w), prefix(w));
	body(w);
	fputs("</SystemDescription>\n", w->out);
}

void describe(FILE *out, const struct describe *what)
{
	struct writer w = { out, what, what->seed * 2654435761u + 88172645463325252ULL };

	if (what->dialect == DESCRIBE_2_X)
		describe_2(&w);
	else
		describe_3(&w);
}
