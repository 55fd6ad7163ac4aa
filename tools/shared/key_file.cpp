#include "tools/shared/key_file.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/shared/output.h"
#include "tools/shared/whole_file.h"

namespace toxtcp {

namespace {

/// Bytes: the digits, and a line end of one or two bytes.
constexpr std::size_t MAX_KEY_FILE_SIZE = 2 * KEY_SIZE + 2;

/// Reads up to MAX_KEY_FILE_SIZE + 1 bytes, so that a longer file is noticed. On failure false, and errno is set.
bool read_limited(int file, std::string &text) {
    text.assign(MAX_KEY_FILE_SIZE + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t count = read(file, text.data() + size, text.size() - size);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        if (count == 0) {
            break;
        }
        size += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    text.resize(size);
    return true;
}

/// Reads the text of a key file. Returns what is wrong with the text; empty if nothing. The result reveals nothing of
/// the key.
std::string parse_key_file(std::string &text, Secret_Key &key) {
    if (text.empty()) {
        return "it is empty";
    }
    if (text.size() > MAX_KEY_FILE_SIZE) {
        return "it is longer than a key";
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.pop_back();
    }
    Public_Key digits;
    if (!parse_public_key(text, digits)) {
        return text.size() == 2 * KEY_SIZE ? "a character is no hexadecimal digit"
                                           : "it has " + std::to_string(text.size()) + " characters";
    }
    key.bytes = digits;
    wipe(digits.data(), digits.size());
    return "";
}

} // namespace

std::string key_file_text(const Secret_Key &key) {
    return to_string(Public_Key{key.bytes}) + '\n';
}

Key_File read_key_file(const std::string &path, Secret_Key &key, std::string &error) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        if (errno == ENOENT) {
            return Key_File::missing;
        }
        error = file_failure(path, "cannot be opened");
        return Key_File::failed;
    }
    std::string text;
    const bool read = read_limited(file, text);
    if (!read) {
        error = file_failure(path, "cannot be read");
    }
    close(file);
    if (!read) {
        return Key_File::failed;
    }
    const std::string fault = parse_key_file(text, key);
    wipe(text.data(), text.size());
    if (!fault.empty()) {
        error =
            path + ": it is no key file: " + fault +
            ". Allowed is a secret key of 64 hexadecimal digits. Name another file; one that does not exist is made";
        return Key_File::failed;
    }
    error = exposure_warning(path, "key");
    return Key_File::ok;
}

bool create_key_file(const std::string &path, Secret_Key &key, std::string &error) {
    // If the path is a link to a missing file, that file is created. O_EXCL does not follow links, so they are followed
    // here.
    const std::string new_path = follow_links(path);
    const int file = open(new_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) {
        error = errno == EEXIST
                    ? path + ": is there already; a key is never overwritten. Name another file, or remove it"
                    : file_failure(path, "cannot be made") + ". Name a file where you may write";
        return false;
    }
    Public_Key public_key;
    new_key_pair(public_key, key);
    std::string text = key_file_text(key);
    bool written = write_all(file, text) && fsync(file) == 0;
    wipe(text.data(), text.size());
    if (!written) {
        error = file_failure(path, "cannot be written");
    }
    if (close(file) != 0 && written) {
        error = file_failure(path, "cannot be written");
        written = false;
    }
    if (!written) {
        // The next run would refuse a file with a part of a key.
        unlink(new_path.c_str());
    }
    return written;
}

bool load_key(const std::string &path, Secret_Key &key, std::string &error) {
    if (path.empty()) {
        Public_Key public_key;
        new_key_pair(public_key, key);
        return true;
    }
    const Key_File result = read_key_file(path, key, error);
    return result == Key_File::ok || (result == Key_File::missing && create_key_file(path, key, error));
}

} // namespace toxtcp
