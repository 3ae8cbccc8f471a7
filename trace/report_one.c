/* SPDX-License-Identifier: MIT */
/* Parts of the text report for who puts them together in another way. */
#include "report_parts.h"
#include "text.h"

static struct report part_of(struct findings *findings, const struct subject *subject,
			     const struct report_options *options,
			     const struct symbolizer *symbolizer,
			     const struct text_sink *sink)
{
	return (struct report){
		.findings = findings,
		.subject = subject,
		.options = options,
		.symbolizer = symbolizer,
		.sink = sink,
	};
}

void report_put_group(struct findings *findings, const struct group *group,
		      const struct report_options *options,
		      const struct symbolizer *symbolizer, const struct text_sink *sink)
{
	struct report report =
		part_of(findings, group->subject, options, symbolizer, sink);

	report_group(&report, group);
}

void report_put_place(struct findings *findings, const struct group *group,
		      const struct report_options *options,
		      const struct symbolizer *symbolizer, const struct text_sink *sink)
{
	const struct report report =
		part_of(findings, group->subject, options, symbolizer, sink);

	report_site(&report, group->example.open_site);
}

void report_put_command(struct findings *findings, uint32_t subject,
			const struct report_options *options,
			const struct text_sink *sink)
{
	const struct report report =
		part_of(findings, &findings->subjects[subject], options, NULL, sink);

	report_command(&report);
}

void report_put_end(struct findings *findings, uint32_t subject,
		    const struct report_options *options, const struct text_sink *sink)
{
	const struct report report =
		part_of(findings, &findings->subjects[subject], options, NULL, sink);

	report_end(&report);
}
