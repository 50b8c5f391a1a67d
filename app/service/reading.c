#include "service/reading.h"

#include "service/finding.h"

enum err reading_show(struct work *work, struct target *target, struct slice id,
		      struct slice *shown, struct fail *why)
{
	struct finding finding;
	enum err e = finding_begin(&finding, work, target, id, why);

	if (!e)
		e = finding_look(&finding, why);
	if (!e)
		e = finding_show(&finding, shown);
	finding_end(&finding);
	return e;
}
