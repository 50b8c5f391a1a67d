// A booking application as a client of the events endpoints would write it, with Node's own fetch:
//   node seed_client.mjs book '{"instructorId": ..., "studentName": ..., ...}'
//   node seed_client.mjs move INSTRUCTOR EVENT START END
//   node seed_client.mjs cancel INSTRUCTOR EVENT
// The service's address and the key are AUTH_SERVICE_URL and INSTRUCTOROPS_API_KEY. Prints one line
// of JSON: the status, and what came back; of a failure always its body as JSON.

const service = process.env.AUTH_SERVICE_URL;
const apiKey = process.env.INSTRUCTOROPS_API_KEY;
const events = `${service}/api/calendars/events`;

function credentials(instructorId) {
  return { "x-instructorops-key": apiKey, "x-instructor-id": instructorId };
}

async function tell(response, read) {
  const told = { status: response.status };
  if (!response.ok) told.error = await response.json();
  else if (read) told.event = await response.json();
  console.log(JSON.stringify(told));
}

async function book(lesson) {
  const response = await fetch(events, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...credentials(lesson.instructorId) },
    body: JSON.stringify({
      summary: `${lesson.serviceName} with ${lesson.studentName}`,
      description: lesson.notes || `Booking for ${lesson.serviceName}`,
      startTime: lesson.startTime,
      endTime: lesson.endTime,
      attendees: [{ email: lesson.studentEmail, displayName: lesson.studentName }],
      sendNotifications: true,
    }),
  });
  await tell(response, true);
}

async function move(instructorId, eventId, startTime, endTime) {
  const response = await fetch(`${events}/${eventId}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", ...credentials(instructorId) },
    body: JSON.stringify({ startTime, endTime }),
  });
  await tell(response, true);
}

async function cancel(instructorId, eventId) {
  const response = await fetch(`${events}/${eventId}`, {
    method: "DELETE",
    headers: credentials(instructorId),
  });
  await tell(response, false);
}

const [command, ...words] = process.argv.slice(2);
const commands = { book: (text) => book(JSON.parse(text)), move, cancel };
await commands[command](...words);
