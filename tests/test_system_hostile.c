// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Texts that were made to hurt the loader, and one that is merely large: each must be done with
 * within a second or so, whatever it is.  The limit of each test is far above what it takes.
 */

#include <time.h>

#include "tests/system_loading.h"

#define SECONDS 10 /* under sanitizers, on a busy machine; all of them take less than one */

#define HEAD "<SystemDescription xmlns='http://www.xtratum.org/xm-3.x' version='1.0.0' name='x'>"
#define TAIL "</SystemDescription>"

struct writer {
	char *text;
	size_t len;
	FILE *out;
};

static FILE *start(struct writer *w)
{
	w->out = open_memstream(&w->text, &w->len);
	return w->out;
}

static void repeat(FILE *out, const char *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fputs(s, out);
}

/* Loads it, expects that it fails with this among the messages. */
static void refuse(struct writer *w, const char *expected)
{
	struct system *sys = NULL;
	char *printed = NULL;

	fclose(w->out);
	cr_assert_leq(w->len, SYSTEM_FILE_MAX);
	cr_assert_eq(load("file.xml", w->text, w->len, &sys, &printed), -EINVAL);
	cr_assert(strstr(printed, expected), "%.2000s", printed);
	cr_assert_null(sys);
	free(printed);
	free(w->text);
}

/* ---- XML ------------------------------------------------------------------------------------------- */

Test(system_hostile, entities_of_entities, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs("<!DOCTYPE x [<!ENTITY a0 'ha'>", out);
	for (int i = 1; i < 40; i++)
		fprintf(out, "<!ENTITY a%d '&a%d;&a%d;&a%d;'>", i, i - 1, i - 1, i - 1);
	fputs("]>" HEAD "&a39;" TAIL, out);
	refuse(&w, "a document type is not accepted");
}

Test(system_hostile, nested_deeply, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs(HEAD, out);
	repeat(out, "<a>", 1000000);
	refuse(&w, "elements are nested too deeply");
}

Test(system_hostile, very_many_elements, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs(HEAD, out);
	repeat(out, "<a/>", 1000000);
	fputs(TAIL, out);
	refuse(&w, "too many elements");
}

/* Every element would carry the namespace: 200000 times two megabytes. */
Test(system_hostile, long_namespace, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs("<SystemDescription xmlns='", out);
	repeat(out, "http://www", 1500);
	fputs("'>", out);
	repeat(out, "<a/>", 100000);
	fputs(TAIL, out);
	refuse(&w, "a namespace is too long");
}

/* In one tag every prefix would become its namespace before anybody could look. */
Test(system_hostile, long_tag, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs("<SystemDescription xmlns:p='", out);
	repeat(out, "http://www", 100000);
	fputs("'", out);
	for (int i = 0; i < 200000; i++)
		fprintf(out, " p:a%d=''", i);
	fputs("/>", out);
	refuse(&w, "file.xml:1:1: error: a tag has more than 16384 bytes");
}

Test(system_hostile, long_text, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs(HEAD, out);
	repeat(out, "0123456789", 400000);
	fputs(TAIL, out);
	refuse(&w, "file.xml:1:1: error: a tag and the text behind it have more than 16384 bytes");
}

/* What looks like a comment is none, and hides nothing. */
Test(system_hostile, long_tag_behind_an_instruction, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs("<?a <!-- ?><SystemDescription xmlns:p='", out);
	repeat(out, "http://www", 10000);
	fputs("'/><!-- -->", out);
	refuse(&w, "file.xml:1:12: error: a tag has more than 16384 bytes");
}

Test(system_hostile, long_comments_are_harmless, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs("<?xml version='1.0'?><!--", out);
	repeat(out, " < text > ", 10000);
	fputs("-->" HEAD "\n", out);
	repeat(out, "          ", 10000);
	fputs("<x/>" TAIL, out);
	refuse(&w, "unknown element <x>");
}

Test(system_hostile, many_attributes, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fputs("<SystemDescription xmlns='http://www.xtratum.org/xm-3.x'", out);
	for (int i = 0; i < 1000; i++)
		fprintf(out, " a%d=''", i);
	fputs("/>", out);
	refuse(&w, "too many attributes");
}

Test(system_hostile, other_encodings, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);

	fwrite("\xff\xfe<\0a\0/\0>\0", 1, 10, out);
	refuse(&w, "a system description is a text in UTF-8");
}

Test(system_hostile, nothing, .timeout = SECONDS)
{
	struct system *sys = NULL;
	char *printed = NULL;

	cr_assert_eq(load("file.xml", "", 0, &sys, &printed), -EINVAL);
	free(printed);
}

Test(system_hostile, zeros, .timeout = SECONDS)
{
	struct writer w;
	FILE *out = start(&w);
	static const char zeros[4096];

	for (int i = 0; i < 1000; i++)
		fwrite(zeros, 1, sizeof(zeros), out);
	refuse(&w, "a system description is a text in UTF-8");
}

/* ---- descriptions ----------------------------------------------------------------------------------- */

/* A file of which `part`, repeated, is the inside of `parent`. */
static void fill(const char *parents, const char *part, unsigned int n, const char *expected)
{
	struct writer w;
	FILE *out = start(&w);
	char *names[8], *copy = strdup(parents), *name, *save = NULL;
	size_t depth = 0;

	fputs(HEAD, out);
	for (name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		fprintf(out, "<%s>", name);
		names[depth++] = name;
	}
	repeat(out, part, n);
	while (depth)
		fprintf(out, "</%s>", names[--depth]);
	fputs(TAIL, out);
	free(copy);
	refuse(&w, expected);
}

Test(system_hostile, devices, .timeout = SECONDS)
{
	fill("HwDescription/Devices", "<Null name='ab'/>", 190000, "too many <Null> in <Devices>");
}

Test(system_hostile, regions, .timeout = SECONDS)
{
	fill("HwDescription/MemoryLayout", "<Region type='ram' start='0x0' size='1B'/>", 90000,
	     "too many <Region>");
}

Test(system_hostile, partitions, .timeout = SECONDS)
{
	fill("PartitionTable", "<Partition id='0' name='a'/>", 130000,
	     "<Partition> lacks <PhysicalMemoryAreas>");
}

Test(system_hostile, areas, .timeout = SECONDS)
{
	fill("PartitionTable/Partition/PhysicalMemoryAreas", "<Area start='0x0' size='4KB'/>",
	     130000, "too many <Area>");
}

Test(system_hostile, io_ranges, .timeout = SECONDS)
{
	fill("PartitionTable/Partition/HwResources/IoPorts", "<Range base='0x0' noPorts='1'/>",
	     130000, "too many <Range>");
}

Test(system_hostile, events, .timeout = SECONDS)
{
	fill("XMHypervisor/HealthMonitor",
	     "<Event name='XM_HM_EV_FP_ERROR' action='XM_HM_AC_IGNORE' log='no'/>", 60000,
	     "too many <Event>");
}

Test(system_hostile, destinations, .timeout = SECONDS)
{
	fill("Channels/SamplingChannel", "<Destination partitionId='0' portName='x'/>", 95000,
	     "too many <Destination>");
}

Test(system_hostile, slots, .timeout = SECONDS)
{
	fill("HwDescription/ProcessorTable/Processor/CyclicPlanTable/Plan",
	     "<Slot id='0' start='0s' duration='0s' partitionId='0'/>", 70000, "too many <Slot>");
}

/* ---- large ----------------------------------------------------------------------------------------- */

#define PARTITIONS 64u
#define CHANNELS 256u

static void write_partitions(FILE *out)
{
	fputs("<PartitionTable>", out);
	for (unsigned int p = 0; p < PARTITIONS; p++) {
		fprintf(out,
			"<Partition id='%u' name='p%u'><PhysicalMemoryAreas>"
			"<Area start='0x%x' size='1MB'/></PhysicalMemoryAreas><PortTable>",
			p, p, 0x10000000 + p * 0x100000);
		for (unsigned int c = 0; c < CHANNELS; c++)
			if (c % PARTITIONS == p || (c + 1) % PARTITIONS == p)
				fprintf(out, "<Port name='c%u' type='%s' direction='%s'/>", c,
					c % 2 ? "queuing" : "sampling",
					c % PARTITIONS == p ? "source" : "destination");
		fputs("</PortTable></Partition>", out);
	}
	fputs("</PartitionTable>", out);
}

static void write_machine(FILE *out)
{
	fputs("<HwDescription><MemoryLayout><Region type='ram' start='0x0' size='2048MB'/>"
	      "</MemoryLayout><ProcessorTable><Processor id='0'><CyclicPlanTable>",
	      out);
	for (unsigned int plan = 0; plan < 16; plan++) {
		fprintf(out, "<Plan id='%u' majorFrame='64ms'>", plan);
		for (unsigned int p = 0; p < PARTITIONS; p++)
			fprintf(out, "<Slot id='%u' start='%ums' duration='1ms' partitionId='%u'/>",
				p, p, p);
		fputs("</Plan>", out);
	}
	fputs("</CyclicPlanTable></Processor></ProcessorTable><Devices/></HwDescription>"
	      "<XMHypervisor><PhysicalMemoryArea size='1MB'/></XMHypervisor>",
	      out);
}

static void write_channels(FILE *out)
{
	fputs("<Channels>", out);
	for (unsigned int c = 0; c < CHANNELS; c++)
		fprintf(out,
			c % 2 ? "<QueuingChannel maxMessageLength='1KB' maxNoMessages='16'>"
				"<Source partitionId='%u' portName='c%u'/>"
				"<Destination partitionId='%u' portName='c%u'/></QueuingChannel>"
			      : "<SamplingChannel maxMessageLength='1KB' validPeriod='1s'>"
				"<Source partitionId='%u' portName='c%u'/>"
				"<Destination partitionId='%u' portName='c%u'/></SamplingChannel>",
			c % PARTITIONS, c, (c + 1) % PARTITIONS, c);
	fputs("</Channels>", out);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

Test(system_hostile, large_system_is_read_at_once, .timeout = SECONDS)
{
	struct system *sys = NULL;
	struct writer w;
	FILE *out = start(&w);
	char *printed = NULL;
	double begin, took;
	uint32_t n;

	fputs(HEAD, out);
	write_machine(out);
	write_partitions(out);
	write_channels(out);
	fputs(TAIL, out);
	fclose(out);
	begin = cpu_seconds();
	cr_assert_eq(load("file.xml", w.text, w.len, &sys, &printed), 0, "%.2000s", printed);
	took = cpu_seconds() - begin;
	cr_log_info("%zu bytes, %u partitions, %u channels: %.1f ms", w.len, PARTITIONS, CHANNELS,
		    took * 1000);
	cr_assert_lt(took, 0.5);
	system_channels(sys, &n);
	cr_assert_eq(n, CHANNELS);
	free(sys);
	free(printed);
	free(w.text);
}
