// leave_open BOOTSTRAP TOPIC: sends ten records and ends in the middle of it all, where no destructor runs.
// The library sends them at exit.
#include "sendoff.hpp"
#include <cstdlib>
#include <iostream>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const std::string bootstrap = argv[1], topic = argv[2];
  sendoff::producer producer({{"bootstrap.servers", bootstrap}, {"linger.ms", "60000"}},
                             [](const sendoff_report &) {});
  for (std::uint64_t number = 0; number < 10; number++)
    producer.send(topic, "key", "record " + std::to_string(number), number);
  std::cout << "left open\n";
  std::exit(EXIT_SUCCESS);
}
