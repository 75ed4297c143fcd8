// Reads a model's hyper-parameters from GGUF metadata, as llama.cpp does; what it would not understand is refused by name.
#pragma once
#include <string>
#include <vector>

#include "model.h"

namespace graft {

// Everything but vocabulary and inv_freq's rope_freqs factors, which need tensors. Appends sentences for the user to notes.
Hyperparameters read_hyperparameters(const Gguf &file, std::vector<std::string> *notes);

}  // namespace graft
