// What JavaScript is held to: the recommended rules, and functions and files that fit in the eye.
import js from "@eslint/js"
import globals from "globals"

const IN_A_PAGE = {...globals.browser, Bokeh: "readonly"}

export default [
  js.configs.recommended,
  {
    linterOptions: {reportUnusedDisableDirectives: "error"},
    rules: {"max-lines-per-function": ["error", 40], "max-lines": ["error", 250], "no-duplicate-imports": "error"},
  },
  {files: ["kvviz/pages/**"], languageOptions: {globals: IN_A_PAGE}},
  {files: ["bench/scripts/**"], languageOptions: {globals: IN_A_PAGE, sourceType: "script"}},
]
