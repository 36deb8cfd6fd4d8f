#pragma once

namespace bhroute::llama {

/// Who carries a policy's decisions into the engine.
enum class RoutingWay {
  automatic,  ///< the plugin where it is found and routes every MoE layer, else the callback
  plugin,     ///< computes the selected experts only
  callback    ///< llama.cpp's cb_eval: every slot is computed; runs anywhere
};

}  // namespace bhroute::llama
