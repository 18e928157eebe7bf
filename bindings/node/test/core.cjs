// The package under test, by its folder, as `require` gives it.
'use strict'

module.exports = require('..')
