#include "config_file.h"

namespace toxtcp {

void read_config_file(CLI::App &command, const std::string &path) {
    for (const CLI::ConfigItem &item : CLI::ConfigTOML{}.from_file(path)) {
        if (item.name == "++" || item.name == "--") {
            continue; // where sections begin and end
        }
        CLI::Option *const option = command.get_option_no_throw("--" + item.name);
        if (option == nullptr || !item.parents.empty() || !option->get_configurable()) {
            throw CLI::ConfigError(path + ": " + item.fullname() + " is no option of `" + command.get_name() + "`");
        }
        if (option->count() != 0) {
            continue; // the command line wins
        }
        if (option->get_items_expected_max() == 0) {
            option->add_result(option->get_flag_value(item.name, CLI::detail::join(item.inputs)));
        } else {
            option->add_result(item.inputs);
        }
        option->run_callback();
    }
}

} // namespace toxtcp
