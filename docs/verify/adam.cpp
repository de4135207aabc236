// Adam as a program that `minidl verify` can question: one JSON object per line in, one per line out.
//
//     g++ -O2 -std=c++17 -o adam adam.cpp
//     minidl verify avagrad --cmd ./adam --functions adam
//
// Everything below `main` and the reader of JSON is the optimizer; put yours in its place.

#include <cctype>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <vector>

// --- a reader for the JSON that arrives here ------------------------------------------------------------------------
struct Json {
    std::string text;                     // of a string
    double number = 0;                    // of a number; 1 and 0 for true and false
    std::vector<Json> items;              // of an array
    std::map<std::string, Json> members;  // of an object

    const Json& operator[](const std::string& name) const { return members.at(name); }
};

struct Reader {
    const char* at;

    void skip() { while (std::isspace((unsigned char)*at) || *at == ',' || *at == ':') ++at; }

    Json read() {
        Json value;
        skip();
        if (*at == '{') {
            for (++at, skip(); *at != '}'; skip()) {
                const std::string name = string();
                value.members[name] = read();
            }
            ++at;
        } else if (*at == '[') {
            for (++at, skip(); *at != ']'; skip()) value.items.push_back(read());
            ++at;
        } else if (*at == '"') {
            value.text = string();
            value.number = std::strtod(value.text.c_str(), nullptr);  // "nan", "inf" and "-inf" are numbers
        } else if (std::isalpha((unsigned char)*at)) {
            value.number = *at == 't';
            while (std::isalpha((unsigned char)*at)) ++at;
        } else {
            char* end;
            value.number = std::strtod(at, &end);
            at = end;
        }
        return value;
    }

    std::string string() {  // names and keywords, which hold no escapes
        std::string text;
        for (++at; *at != '"'; ++at) text += *at;
        ++at;
        return text;
    }
};

std::vector<double> array(const Json& value) {
    std::vector<double> numbers;
    for (const Json& item : value["data"].items) numbers.push_back(item.number);
    return numbers;
}

// --- the optimizer --------------------------------------------------------------------------------------------------
// w (d,), gradients (T, d) row by row, lr (T,): the parameters after every step (T, d), row by row.
template <class Real>
std::vector<double> adam(const Json& in) {
    const std::vector<double> start = array(in["w"]), gradients = array(in["gradients"]), lr = array(in["lr"]);
    // in double even for float parameters: 1 - 0.999f is off in the fifth digit
    const double beta1 = in["beta1"].number, beta2 = in["beta2"].number;
    const Real eps = in["eps"].number, decay = in["weight_decay"].number;
    std::vector<Real> w(start.begin(), start.end()), m(w.size()), v(w.size());
    std::vector<double> trajectory;
    for (size_t t = 0; t < lr.size(); ++t) {
        const Real rate = lr[t] / (1 - std::pow(beta1, t + 1.0)), correction = std::sqrt(1 - std::pow(beta2, t + 1.0));
        for (size_t i = 0; i < w.size(); ++i) {
            const Real g = Real(gradients[t * w.size() + i]) + decay * w[i];
            m[i] = Real(beta1) * m[i] + Real(1 - beta1) * g;
            v[i] = Real(beta2) * v[i] + Real(1 - beta2) * g * g;
            w[i] -= rate * m[i] / (std::sqrt(v[i]) / correction + eps);
            trajectory.push_back(w[i]);
        }
    }
    return trajectory;
}

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const Json request = Reader{line.c_str()}.read(), &in = request["inputs"];
        if (request["function"].text != "adam") {
            std::cout << "{\"unsupported\": true}" << std::endl;
            continue;
        }
        const bool narrow = in["w"]["dtype"].text == "float32";
        const std::vector<double> trajectory = narrow ? adam<float>(in) : adam<double>(in);
        std::cout << "{\"outputs\": {\"trajectory\": {\"dtype\": \"" << (narrow ? "float32" : "float64")
                  << "\", \"shape\": [" << in["lr"]["shape"].items[0].number << ", "
                  << in["w"]["shape"].items[0].number << "], \"data\": [";
        for (size_t i = 0; i < trajectory.size(); ++i) {
            char digits[40];
            std::snprintf(digits, sizeof digits, "%s%.17g", i ? ", " : "", trajectory[i]);
            std::cout << digits;
        }
        std::cout << "]}}}" << std::endl;  // std::endl flushes: the answer must not wait in a buffer
    }
}
