#include "provider/provider.h"

void grant_wipe(struct grant *grant)
{
	secret_wipe(&grant->access);
	secret_wipe(&grant->refresh);
	*grant = (struct grant){0};
}
