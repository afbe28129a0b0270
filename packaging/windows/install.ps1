# Installs the claviger-*.msi beside this script, without a question: for Intune and other tools that
# run a script as SYSTEM.
#
#     powershell -ExecutionPolicy Bypass -File install.ps1 [-LogonTask] [-Configuration FILE]
#
# FILE becomes the managed configuration. Exits with msiexec's code: 0, or 3010 if Windows must be
# restarted to remove a file that was in use.
param(
    [switch] $LogonTask,
    [string] $Configuration
)
$ErrorActionPreference = 'Stop'

$installers = @(Get-ChildItem -Path $PSScriptRoot -Filter 'claviger-*.msi')
if ($installers.Count -ne 1) {
    throw "expected one claviger-*.msi in '$PSScriptRoot', found $($installers.Count)"
}
$log = Join-Path $env:TEMP 'claviger-install.log'
$arguments = @('/i', "`"$($installers[0].FullName)`"", '/qn', '/norestart', '/l*v', "`"$log`"")
if ($LogonTask) {
    $arguments += 'LOGONTASK=1'
}
$installation = Start-Process -FilePath msiexec.exe -ArgumentList $arguments -Wait -PassThru
if ($installation.ExitCode -notin 0, 3010) {
    Write-Error "msiexec ended with code $($installation.ExitCode); its log is '$log'" -ErrorAction Continue
    exit $installation.ExitCode
}
if ($Configuration) {
    # The installer has made the directory, which only administrators can write.
    $directory = Join-Path $env:ProgramData 'Claviger'
    Copy-Item -Path $Configuration -Destination (Join-Path $directory 'config.toml')
    & (Join-Path $env:ProgramFiles 'Claviger\claviger.exe') config check
    if ($LASTEXITCODE -ne 0) {
        exit $LASTEXITCODE
    }
}
exit $installation.ExitCode
