/** SQLite with its WebAssembly inside one file: the interface of the package's main file, which loads it from disk. */
declare module 'sql.js/dist/sql-wasm-inline.js' {
  import initSqlJs from 'sql.js'
  export default initSqlJs
}
