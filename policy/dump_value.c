// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Constraints of an image in the words of the policy language.  Must never say other than what is
 * matched: it reads the parts of the terms, not what the author wrote.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/dump.h"
#include "policy/image_layout.h"

struct printer {
	FILE *out;
	const struct policy_image *image;
	const struct image_constraint *c;
	const char *comma;
};

static void begin(struct printer *p)
{
	fputs(p->comma, p->out);
	p->comma = ", ";
}

static bool is_signed(const struct printer *p)
{
	return p->c->attribute == IMAGE_NUMBER &&
	       (p->c->width == IMAGE_S32 || p->c->width == IMAGE_S64);
}

static void put_number(const struct printer *p, uint64_t value)
{
	if (is_signed(p))
		fprintf(p->out, "%" PRId64, (int64_t)(value ^ IMAGE_BIAS));
	else
		fprintf(p->out, value > UINT16_MAX ? "0x%" PRIx64 : "%" PRIu64, value);
}

static uint64_t type_min(const struct printer *p)
{
	return p->c->width == IMAGE_S32 && is_signed(p) ? (uint64_t)(int64_t)INT32_MIN ^ IMAGE_BIAS
							: 0;
}

static uint64_t type_max(const struct printer *p)
{
	if (p->c->attribute == IMAGE_LENGTH || p->c->width == IMAGE_U32)
		return UINT32_MAX;
	return p->c->width == IMAGE_S32 ? (uint64_t)INT32_MAX ^ IMAGE_BIAS : UINT64_MAX;
}

static void put_interval(struct printer *p, const struct image_interval *i)
{
	begin(p);
	if (i->low == i->high) {
		put_number(p, i->low);
		return;
	}
	if (i->low > type_min(p))
		put_number(p, i->low);
	fputs("..", p->out);
	if (i->high < type_max(p))
		put_number(p, i->high);
	else if (i->low <= type_min(p))
		put_number(p, type_max(p)); /* all of them: a range needs an end */
}

static void put_name(struct printer *p, const struct image_name *name)
{
	char room[4 * XM_NAME_MAX + 1];
	struct text t = TEXT_INIT(room);

	text_safe(&t, name->bytes, name->len);
	begin(p);
	fprintf(p->out, "\"%s%s\"", room, name->prefix ? "*" : "");
}

static void put_term(struct printer *p, const struct image_term *term)
{
	const struct image_interval *intervals = image_table(p->image, IMAGE_INTERVALS);
	const struct image_mask *masks = image_table(p->image, IMAGE_MASKS);
	const struct image_name *names = image_table(p->image, IMAGE_NAMES);

	if (term->negated) {
		begin(p);
		fputs("{not: [", p->out);
		p->comma = "";
	}
	for (uint32_t i = 0; i < term->n_intervals; i++)
		put_interval(p, &intervals[term->first_interval + i]);
	for (uint32_t i = 0; i < term->n_masks; i++) {
		begin(p);
		fprintf(p->out, "{mask: 0x%" PRIx64 ", is: 0x%" PRIx64 "}",
			masks[term->first_mask + i].mask, masks[term->first_mask + i].is);
	}
	for (uint32_t i = 0; i < term->n_names; i++)
		put_name(p, &names[term->first_name + i]);
	if (term->self) {
		begin(p);
		fputs("self", p->out);
	}
	if (term->negated) {
		fputs("]}", p->out);
		p->comma = ", ";
	}
}

char *policy_dump_constraint(const struct policy_image *image, uint32_t constraint)
{
	const struct image_term *terms = image_table(image, IMAGE_TERMS);
	char *text = NULL;
	size_t len;
	struct printer p = { open_memstream(&text, &len), image, NULL, "" };

	if (!p.out)
		abort();
	p.c = (const struct image_constraint *)image_table(image, IMAGE_CONSTRAINTS) + constraint;
	fputs(p.c->attribute == IMAGE_LENGTH ? "{length: [" : "[", p.out);
	for (uint32_t i = 0; i < p.c->n_terms; i++)
		put_term(&p, &terms[p.c->first_term + i]);
	fputs(p.c->attribute == IMAGE_LENGTH ? "]}" : "]", p.out);
	if (fclose(p.out))
		abort();
	return text;
}
