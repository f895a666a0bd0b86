-- Run by test_lsp_editors.py in a headless Neovim: a broken buffer gets its diagnostic, the fix takes it away, saving compiles.
local file, pyc, deadline = vim.env.LSP_FILE, vim.env.LSP_PYC, 120000

local function await(what, condition)
  if not vim.wait(deadline, condition, 5) then
    io.stderr:write('waited in vain for: ' .. what .. '\n')
    vim.cmd('cquit 1')
  end
end

vim.cmd('edit ' .. vim.fn.fnameescape(file))
local buffer = vim.api.nvim_get_current_buf()

await('a diagnostic', function() return #vim.diagnostic.get(buffer) == 1 end)
local found = vim.diagnostic.get(buffer)[1]
print(vim.json.encode({ line = found.lnum, column = found.col, ['end'] = found.end_col, severity = found.severity,
  source = found.source, message = found.message }))

vim.api.nvim_buf_set_lines(buffer, 1, 2, true, { 's = "é🐍"; x = 1' })
await('its end', function() return #vim.diagnostic.get(buffer) == 0 end)
vim.api.nvim_buf_set_text(buffer, 1, 0, 1, 1, { 'é🐍', 't' })
vim.api.nvim_buf_set_text(buffer, 1, 0, 1, #'é🐍', { '' })
vim.api.nvim_buf_set_text(buffer, 2, 0, 2, 0, { 'None = ' })
await('another', function() return #vim.diagnostic.get(buffer) == 1 end)
vim.cmd('undo')
vim.api.nvim_buf_set_lines(buffer, 0, -1, true, { 'x = "\\d"' })
await('a warning', function()
  local all = vim.diagnostic.get(buffer)
  return #all == 1 and all[1].severity == vim.diagnostic.severity.WARN
end)
vim.api.nvim_buf_set_lines(buffer, 0, -1, true, { 'x = 1' })
await('its end', function() return #vim.diagnostic.get(buffer) == 0 end)

vim.cmd('write')
await('the .pyc', function() return vim.loop.fs_stat(pyc) ~= nil end)
vim.cmd('qall!')
