/* Makes pthread_create fail, as it does when memory is missing. */
#ifndef SUPPORT_THREAD_FAILURE_H
#define SUPPORT_THREAD_FAILURE_H

/* From now on no thread of default attributes can be made in this process; small allocations still succeed.
 */
void thread_failure_begin(void);

#endif
